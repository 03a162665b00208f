/** Whether a wave whose nodes are all judged may pass: rules of which the first that holds decides. */
import type { Board } from './board.js';
import type { Evidence, Wait } from './decision.js';
import type { FleetView } from './fleet-view.js';
import { doubtfulFailures, failureNumbers } from './gates.js';
import { judgeMetrics, type MetricVerdict, metricSamples } from './metric-gate.js';
import type { MetricGate, Rollout } from './rollout.js';
import { count, firstOf } from './standing.js';

/** What becomes of the wave. */
export type Gate =
  | { readonly kind: 'stop'; readonly reason: string; readonly message: string }
  | { readonly kind: 'settle' }
  | { readonly kind: 'pause'; readonly reason: string; readonly wait: Omit<Wait, 'sinceMs'> }
  | { readonly kind: 'hold'; readonly reason: string; readonly wait: Omit<Wait, 'sinceMs'> }
  | { readonly kind: 'pass'; readonly evidence: Evidence };

/** The rules. */
export function waveGate(rollout: Rollout, wave: number, board: Board, fleet: FleetView): Gate {
  const { spec, standing, waves } = rollout;
  const promoted = standing.full || standing.promoted >= wave;
  const counts = board.counts(wave);
  const { COMMITTED: committed } = counts;
  const away = board.awayCount(wave);

  if (committed === 0 && board.failureCount() > 0 && away === 0)
    return { kind: 'stop', reason: 'NoneCommitted', message: `no node of wave ${wave} committed the version` };
  if (committed === 0 && away > 0 && !promoted) {
    const message = `no node of wave ${wave} can be reached, so nothing is known of the version`;
    return { kind: 'hold', reason: 'WaitingForNodes', wait: offline(board, wave, message) };
  }

  const doubt = doubtfulFailures(spec, board);
  if (doubt !== undefined && !promoted) {
    const nodeIds = firstOf(board.failures());
    return {
      kind: 'pause',
      reason: 'FailuresInconclusive',
      wait: { kind: 'person', message: doubt, nodeIds, untilMs: 0 },
    };
  }

  const reached = Object.values(counts).reduce((sum, number) => sum + number, 0) - counts.PENDING;
  if (away > spec.maxOffline * reached && !promoted) {
    const message = `${away} of ${count(reached, 'node')} cannot be reached, ${Math.floor(spec.maxOffline * reached)} are allowed`;
    return { kind: 'hold', reason: 'TooManyOffline', wait: offline(board, wave, message) };
  }

  const settledMs = waves[wave - 1]?.settledMs ?? 0;
  if (settledMs === 0) return { kind: 'settle' };
  const soakedMs = settledMs + spec.waveSoakMs;
  if (fleet.nowMs < soakedMs && !promoted) {
    const message = `wave ${wave} of ${waves.length} soaks for ${spec.waveSoakMs} ms`;
    return { kind: 'hold', reason: 'WaveSoaking', wait: { kind: 'soak', message, nodeIds: [], untilMs: soakedMs } };
  }

  const metrics = judged(rollout, wave, fleet);
  if (spec.metrics !== undefined && !promoted) {
    const message = `wave ${wave} in its numbers: ${metrics.numbers.join('; ')}`;
    if (metrics.verdict === 'FAIL') return { kind: 'stop', reason: 'MetricsFailed', message };
    const untilMs = soakedMs + spec.metrics.patienceMs;
    const wait = { kind: 'metrics', message, nodeIds: [], untilMs: fleet.nowMs < untilMs ? untilMs : 0 } as const;
    if (metrics.verdict === 'INCONCLUSIVE') {
      if (fleet.nowMs < untilMs) return { kind: 'hold', reason: 'WaitingForMetrics', wait };
      return { kind: 'pause', reason: 'MetricsInconclusive', wait };
    }
  }

  if (spec.approve && wave < waves.length && !promoted) {
    const message = `wave ${wave} of ${waves.length} went well: wave ${wave + 1} waits for approval`;
    return {
      kind: 'pause',
      reason: 'WaitingForApproval',
      wait: { kind: 'approval', message, nodeIds: [], untilMs: 0 },
    };
  }
  const { failed, rate, atLeast } = failureNumbers(spec, board);
  const evidence = {
    committed,
    failed,
    acknowledged: board.acknowledgedCount(),
    offline: away,
    failureRate: rate,
    failureRateAtLeast: atLeast,
    maxFailureRate: spec.maxFailureRate,
    soakMs: fleet.nowMs - settledMs,
    metrics: spec.metrics === undefined ? 'not judged' : metrics.verdict,
    metricNumbers: metrics.numbers,
    promoted,
  } as const;
  return { kind: 'pass', evidence };
}

/** What its numbers say of a wave, by the rollout's gate or, without one, by one that nobody asked for. */
export function judged(rollout: Rollout, wave: number, fleet: FleetView): MetricVerdict {
  const { spec } = rollout;
  return judgeMetrics(spec.metrics ?? usualGate, metricSamples(rollout, wave, fleet), spec.confidence);
}

const usualGate: MetricGate = {
  minRequests: 100,
  maxErrorRatio: 2,
  maxP99Ratio: 2,
  maxCrashes: 0,
  maxScoreDrift: 0.25,
  patienceMs: 0,
};

function offline(board: Board, wave: number, message: string): Omit<Wait, 'sinceMs'> {
  return { kind: 'offline', message, nodeIds: firstOf(board.away(wave)), untilMs: 0 };
}

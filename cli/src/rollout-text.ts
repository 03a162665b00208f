import { type Rollout, type RolloutCounts, RolloutPhase } from '@atoll/proto/atoll/v1/rollout';
import { wordOf } from './fleet-nodes.js';

/** The phase in a word, as documents and people have it. */
export function phaseOf(rollout: Rollout): string {
  const name = Object.entries(RolloutPhase).find(([, value]) => value === rollout.phase)?.[0] ?? '';
  return wordOf(name, 'ROLLOUT_PHASE_');
}

/** True when nothing more happens by itself. */
export function isFinal(rollout: Rollout): boolean {
  return ['Aborted', 'Reverted', 'Complete'].includes(phaseOf(rollout));
}

/** A rollout as `--json` gives it. */
export function rolloutDocument(rollout: Rollout): object {
  return {
    name: rollout.spec?.name ?? '',
    model: rollout.spec?.model ?? '',
    version: rollout.spec?.version ?? 0n,
    phase: phaseOf(rollout),
    wave: rollout.wave,
    waves: rollout.waves.map(({ number, nodeIds, size, counts, evidence }) => ({
      number,
      nodes: nodeIds,
      size,
      counts,
      evidence,
    })),
    counts: rollout.counts ?? noCounts,
    reason: rollout.reason,
    message: rollout.message,
    blockedOn: rollout.blockedOn,
    since: new Date(Number(rollout.sinceUnixMs)).toISOString(),
    promotedWave: rollout.promotedWave,
    promotedFull: rollout.promotedFull,
  };
}

/** A rollout in one line. */
export function rolloutLine(rollout: Rollout): string {
  const waves = rollout.waves.length;
  const parts = [
    `${rollout.spec?.name ?? ''}: ${phaseOf(rollout)}`,
    ...(rollout.wave > 0 ? [`wave ${rollout.wave}/${waves}`] : []),
    countsText(rollout.counts ?? noCounts),
    [rollout.reason, rollout.message].filter((text) => text !== '').join(': '),
    ...(rollout.blockedOn.length > 0 ? [`waits for ${rollout.blockedOn.join(', ')}`] : []),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

const noCounts: RolloutCounts = {
  pending: 0,
  inFlight: 0,
  committed: 0,
  failed: 0,
  rolledBack: 0,
  timedOut: 0,
  offline: 0,
};

function countsText(counts: RolloutCounts): string {
  const named: readonly (readonly [number, string])[] = [
    [counts.committed, 'committed'],
    [counts.inFlight, 'in flight'],
    [counts.pending, 'pending'],
    [counts.failed, 'failed'],
    [counts.rolledBack, 'rolled back'],
    [counts.timedOut, 'timed out'],
    [counts.offline, 'offline'],
  ];
  return named
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(', ');
}

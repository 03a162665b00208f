import {
  type Rollout as RolloutMessage,
  type RolloutCounts,
  RolloutPhase,
  type RolloutWave,
} from '@atoll/proto/atoll/v1/rollout';
import { classify, type NodeState, type Verdict } from '../decide/classify.js';
import type { FleetView } from '../decide/fleet-view.js';
import type { Phase, Rollout } from '../decide/rollout.js';
import { specMessage } from '../state/spec-bytes.js';

/** A rollout for the wire. */
export function rolloutMessage(rollout: Rollout, fleet: FleetView): RolloutMessage {
  const { spec, standing, createdMs, updatedMs } = rollout;
  const verdicts = classify(rollout, fleet);
  return {
    spec: specMessage(spec),
    phase: phases[standing.phase],
    wave: standing.wave,
    waves: rollout.waves.map((times, index) => waveMessage(index + 1, times, verdicts)),
    counts: countsOf(verdicts),
    reason: standing.reason,
    message: standing.message,
    blockedOn: [...standing.blockedOn],
    createdUnixMs: BigInt(createdMs),
    updatedUnixMs: BigInt(updatedMs),
  };
}

const phases = {
  Pending: RolloutPhase.ROLLOUT_PHASE_PENDING,
  Progressing: RolloutPhase.ROLLOUT_PHASE_PROGRESSING,
  Aborted: RolloutPhase.ROLLOUT_PHASE_ABORTED,
  Reverting: RolloutPhase.ROLLOUT_PHASE_REVERTING,
  Reverted: RolloutPhase.ROLLOUT_PHASE_REVERTED,
  Complete: RolloutPhase.ROLLOUT_PHASE_COMPLETE,
} as const satisfies Record<Phase, RolloutPhase>;

function waveMessage(number: number, times: Rollout['waves'][number], verdicts: readonly Verdict[]): RolloutWave {
  const own = verdicts.filter(({ wave }) => wave === number);
  return {
    number,
    nodeIds: own.map(({ nodeId }) => nodeId),
    counts: countsOf(own),
    startedUnixMs: BigInt(times.startedMs),
    passedUnixMs: BigInt(times.passedMs),
  };
}

function countsOf(verdicts: readonly Verdict[]): RolloutCounts {
  const count = (wanted: NodeState): number => verdicts.filter(({ state }) => state === wanted).length;
  return {
    pending: count('PENDING'),
    inFlight: count('IN_FLIGHT'),
    committed: count('COMMITTED'),
    failed: count('FAILED'),
    rolledBack: count('ROLLED_BACK'),
    timedOut: count('TIMED_OUT'),
    offline: count('OFFLINE'),
  };
}

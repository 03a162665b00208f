import {
  type Rollout as RolloutMessage,
  type RolloutCounts,
  RolloutPhase,
  type RolloutWave,
} from '@atoll/proto/atoll/v1/rollout';
import { type Board, boardOf, type Counts } from '../decide/board.js';
import type { FleetView } from '../decide/fleet-view.js';
import type { Phase, Rollout } from '../decide/rollout.js';
import { specMessage } from '../state/spec-bytes.js';

/** A rollout for the wire. */
export function rolloutMessage(rollout: Rollout, fleet: FleetView, board = boardOf(rollout, fleet)): RolloutMessage {
  const { spec, standing, createdMs, updatedMs } = rollout;
  return {
    spec: specMessage(spec),
    phase: phases[standing.phase],
    wave: standing.wave,
    waves: wavesOf(rollout, board),
    counts: countsMessage(board.counts()),
    reason: standing.reason,
    message: standing.message,
    blockedOn: [...standing.blockedOn],
    createdUnixMs: BigInt(createdMs),
    updatedUnixMs: BigInt(updatedMs),
    sinceUnixMs: BigInt(standing.sinceMs),
    promotedWave: standing.promoted,
    promotedFull: standing.full,
  };
}

const phases = {
  Pending: RolloutPhase.ROLLOUT_PHASE_PENDING,
  Progressing: RolloutPhase.ROLLOUT_PHASE_PROGRESSING,
  Paused: RolloutPhase.ROLLOUT_PHASE_PAUSED,
  Aborted: RolloutPhase.ROLLOUT_PHASE_ABORTED,
  Reverting: RolloutPhase.ROLLOUT_PHASE_REVERTING,
  Reverted: RolloutPhase.ROLLOUT_PHASE_REVERTED,
  Complete: RolloutPhase.ROLLOUT_PHASE_COMPLETE,
} as const satisfies Record<Phase, RolloutPhase>;

/** Node ids of a wave in a message; the rest is listed page by page. */
const maxNodeIds = 1_000;

function wavesOf(rollout: Rollout, board: Board): RolloutWave[] {
  const nodeIds = rollout.waves.map((): string[] => []);
  const sizes = rollout.waves.map(() => 0);
  for (const { nodeId, wave } of rollout.members) {
    sizes[wave - 1] = (sizes[wave - 1] ?? 0) + 1;
    const ids = nodeIds[wave - 1];
    if (ids !== undefined && ids.length < maxNodeIds) ids.push(nodeId);
  }
  return rollout.waves.map(({ startedMs, settledMs, passedMs, evidence }, index) => ({
    number: index + 1,
    nodeIds: nodeIds[index] ?? [],
    counts: countsMessage(board.countsOf(index + 1)),
    startedUnixMs: BigInt(startedMs),
    passedUnixMs: BigInt(passedMs),
    settledUnixMs: BigInt(settledMs),
    evidence,
    size: sizes[index] ?? 0,
  }));
}

function countsMessage(counts: Counts): RolloutCounts {
  return {
    pending: counts.PENDING,
    inFlight: counts.IN_FLIGHT,
    committed: counts.COMMITTED,
    failed: counts.FAILED,
    rolledBack: counts.ROLLED_BACK,
    timedOut: counts.TIMED_OUT,
    offline: counts.OFFLINE,
  };
}

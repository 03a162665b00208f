/** Where a node stands in a rollout, from its part in it and what was last heard of it. */
import type { FleetView, NodeReport } from './fleet-view.js';
import type { Member, Rollout, Spec } from './rollout.js';

/** Where a node stands. */
export type NodeState = 'PENDING' | 'IN_FLIGHT' | 'COMMITTED' | 'FAILED' | 'ROLLED_BACK' | 'TIMED_OUT' | 'OFFLINE';

/** A node's standing. */
export interface Verdict {
  readonly nodeId: string;
  readonly wave: number;
  readonly state: NodeState;
  readonly reasonCode: string;
  /** What it said, or what it is doing. */
  readonly message: string;
  /** False for a node that the rollout no longer waits for. */
  readonly waits: boolean;
}

/** Verdicts on all members of a rollout, in the order of its members. */
export function classify(rollout: Rollout, fleet: FleetView): readonly Verdict[] {
  return rollout.members.map((member) => classifyMember(member, rollout.spec, fleet));
}

/** The verdict on one member; of time it depends only where it is waited for or OFFLINE. */
export function classifyMember(member: Member, spec: Spec, fleet: FleetView): Verdict {
  const verdict = (state: NodeState, waits: boolean, reasonCode = '', message = ''): Verdict => ({
    nodeId: member.nodeId,
    wave: member.wave,
    state,
    reasonCode,
    message,
    waits,
  });
  if (member.generation === 0n) return verdict('PENDING', true);
  const { outcome, reasonCode, message } = member;
  if (member.revertGeneration > 0n) {
    // A failure stays visible after the way back; a node without one shows how far back it is.
    const failed = outcome !== undefined && outcome !== 'COMMITTED';
    if (failed) return verdict(outcome, false, reasonCode, message);
    return member.back ? verdict('ROLLED_BACK', false, '', 'was sent back') : verdict(outcome ?? 'IN_FLIGHT', true);
  }
  if (outcome !== undefined && outcome !== 'TIMED_OUT') return verdict(outcome, false, reasonCode, message);
  const node = fleet.nodes.get(member.nodeId);
  const said = node?.report?.observedGeneration === member.generation ? node.report : undefined;
  const ended = said === undefined ? undefined : endOf(said, spec);
  if (said !== undefined && ended !== undefined) return verdict(ended, false, said.reasonCode, said.message);
  const sinceMs = (timeMs: number): number => fleet.nowMs - Math.max(timeMs, fleet.listeningSinceMs);
  const doing = said === undefined ? 'has not answered yet' : `is ${said.phase.toLowerCase()}`;
  if (member.heardMs === 0) {
    const waits = !fleet.silenceCounts || sinceMs(member.assignedMs) < fleet.graceMs;
    return verdict('OFFLINE', waits, '', 'is not reachable');
  }
  // Once timed out, a node stays so until it says how it ended.
  const late = fleet.silenceCounts && sinceMs(member.heardMs) > spec.nodeDeadlineMs + spec.soak.durationMs;
  if (late || outcome === 'TIMED_OUT') return verdict('TIMED_OUT', false, 'TIMED_OUT', doing);
  return verdict(node?.online === true || !fleet.silenceCounts ? 'IN_FLIGHT' : 'OFFLINE', true, '', doing);
}

function endOf(report: NodeReport, spec: Spec): 'COMMITTED' | 'FAILED' | 'ROLLED_BACK' | undefined {
  if (report.phase === 'FAILED' || report.phase === 'ROLLED_BACK') return report.phase;
  const serves = report.serving?.manifestSha256 === spec.target.manifestSha256;
  return report.phase === 'STEADY' && serves ? 'COMMITTED' : undefined;
}

/** Where a node that was sent back stands: back, unable to go back, not to be waited for, or on its way. */
export type WayBack = 'back' | 'stuck' | 'unreached' | 'under-way';

/** The way back of a member that has a revertGeneration. */
export function wayBack(member: Member, spec: Spec, fleet: FleetView): WayBack {
  if (member.back) return 'back';
  const report = fleet.nodes.get(member.nodeId)?.report;
  if (report !== undefined && report.observedGeneration >= member.revertGeneration) {
    if (report.phase === 'STEADY' && report.serving?.manifestSha256 === member.previous?.manifestSha256) return 'back';
    if (report.phase === 'FAILED' || report.phase === 'ROLLED_BACK') return 'stuck';
  }
  if (!fleet.silenceCounts) return 'under-way';
  const sinceMs = (timeMs: number): number => fleet.nowMs - Math.max(timeMs, fleet.listeningSinceMs);
  if (member.heardMs === 0) return sinceMs(member.assignedMs) < fleet.graceMs ? 'under-way' : 'unreached';
  return sinceMs(member.heardMs) > spec.nodeDeadlineMs ? 'unreached' : 'under-way';
}

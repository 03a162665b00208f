/** Where a node stands in a rollout, from its part in it and what was last heard of it. */
import type { FleetView, NodeReport, NodeView } from './fleet-view.js';
import type { Member, Spec } from './rollout.js';

/** Where a node stands. */
export type NodeState = 'PENDING' | 'IN_FLIGHT' | 'COMMITTED' | 'FAILED' | 'ROLLED_BACK' | 'TIMED_OUT' | 'OFFLINE';

/** Where a node is on its way back: it needs none, was not sent yet, or how far it is since. */
export type Way = 'none' | 'unsent' | WayBack;

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
  /** Its failure counts no more. */
  readonly acknowledged: boolean;
  /** The value of the site's label; empty without one. */
  readonly site: string;
  /** The new version serves on it, as far as is known. */
  readonly exposed: boolean;
  readonly way: Way;
}

/** The verdict on one member: it depends on the member, on what is known of its node, and on the time alone. */
export function classifyMember(member: Member, spec: Spec, fleet: FleetView): Verdict {
  const node = fleet.nodes.get(member.nodeId);
  const { state, waits, reasonCode = '', message = '' } = stateOf(member, spec, fleet, node);
  return {
    nodeId: member.nodeId,
    wave: member.wave,
    state,
    reasonCode,
    message,
    waits,
    acknowledged: member.acknowledged,
    site: node?.labels[spec.siteLabel] ?? '',
    exposed: member.generation > 0n && node?.report?.serving?.manifestSha256 === spec.target.manifestSha256,
    way: wayOf(member, spec, fleet),
  };
}

/** True for the ends that count against a version. */
export function isFailure({ state }: Pick<Verdict, 'state'>): boolean {
  return state === 'FAILED' || state === 'ROLLED_BACK' || state === 'TIMED_OUT';
}

interface State {
  readonly state: NodeState;
  readonly waits: boolean;
  readonly reasonCode?: string;
  readonly message?: string;
}

function stateOf(member: Member, spec: Spec, fleet: FleetView, node: NodeView | undefined): State {
  if (fleet.isGone(member.nodeId) && member.outcome === undefined && member.revertGeneration === 0n)
    return { state: 'OFFLINE', waits: false, message: 'is no longer of the fleet' };
  if (member.generation === 0n) return { state: 'PENDING', waits: true };
  const { outcome, reasonCode, message } = member;
  if (member.revertGeneration > 0n) {
    // A failure stays visible after the way back; a node without one shows how far back it is.
    const failed = outcome !== undefined && outcome !== 'COMMITTED';
    if (failed) return { state: outcome, waits: false, reasonCode, message };
    const way = wayBack(member, spec, fleet);
    if (way === 'back') return { state: 'ROLLED_BACK', waits: false, message: 'was sent back' };
    return { state: outcome ?? 'IN_FLIGHT', waits: way === 'under-way', message: 'is sent back' };
  }
  if (outcome !== undefined && outcome !== 'TIMED_OUT') return { state: outcome, waits: false, reasonCode, message };
  const said = node?.report?.observedGeneration === member.generation ? node.report : undefined;
  const ended = said === undefined ? undefined : endOf(said, spec);
  if (said !== undefined && ended !== undefined)
    return { state: ended, waits: false, reasonCode: said.reasonCode, message: said.message };
  const sinceMs = (timeMs: number): number => fleet.nowMs - Math.max(timeMs, fleet.listeningSinceMs);
  const doing = said === undefined ? 'has not answered yet' : `is ${said.phase.toLowerCase()}`;
  // Once timed out, a node stays so until it says how it ended.
  const late =
    member.heardMs > 0 && fleet.silenceCounts && sinceMs(member.heardMs) > spec.nodeDeadlineMs + spec.soak.durationMs;
  if (late || outcome === 'TIMED_OUT')
    return { state: 'TIMED_OUT', waits: false, reasonCode: 'TIMED_OUT', message: doing };
  if (member.heardMs === 0) {
    const waits = !fleet.silenceCounts || sinceMs(member.assignedMs) < fleet.graceMs;
    return { state: 'OFFLINE', waits, message: 'is not reachable' };
  }
  const reachable = node?.online === true || !fleet.silenceCounts;
  return { state: reachable ? 'IN_FLIGHT' : 'OFFLINE', waits: true, message: doing };
}

function endOf(report: NodeReport, spec: Spec): 'COMMITTED' | 'FAILED' | 'ROLLED_BACK' | undefined {
  if (report.phase === 'FAILED' || report.phase === 'ROLLED_BACK') return report.phase;
  const serves = report.serving?.manifestSha256 === spec.target.manifestSha256;
  return report.phase === 'STEADY' && serves ? 'COMMITTED' : undefined;
}

/** Where a node that was sent back stands: back, unable to go back, not to be waited for, or on its way. */
export type WayBack = 'back' | 'stuck' | 'unreached' | 'under-way';

function wayOf(member: Member, spec: Spec, fleet: FleetView): Way {
  if (member.generation === 0n || member.previous === undefined) return 'none';
  return member.revertGeneration === 0n ? 'unsent' : wayBack(member, spec, fleet);
}

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

/** What has come to be known of a rollout's nodes since it was last written. */
import { type Verdict, wayBack } from './classify.js';
import type { FleetView } from './fleet-view.js';
import type { Member, Outcome, Rollout } from './rollout.js';

/** New knowledge of one member; what is absent has not changed. */
export interface MemberChange {
  readonly nodeId: string;
  readonly heardMs?: number;
  readonly ended?: { readonly outcome: Outcome; readonly reasonCode: string; readonly message: string };
  readonly back?: true;
}

/** The changes to be written; empty when nothing new is known. */
export function memberChanges(
  rollout: Rollout,
  verdicts: readonly Verdict[],
  fleet: FleetView,
): readonly MemberChange[] {
  return rollout.members.flatMap((member, index) => memberChange(member, verdicts[index], rollout, fleet) ?? []);
}

/** What is newly known of one member; undefined when nothing is. */
export function memberChange(
  member: Member,
  verdict: Verdict | undefined,
  rollout: Rollout,
  fleet: FleetView,
): MemberChange | undefined {
  const change = {
    nodeId: member.nodeId,
    ...heard(member, fleet),
    ...ended(member, verdict),
    ...back(member, rollout, fleet),
  };
  return Object.keys(change).length > 1 ? change : undefined;
}

function heard(member: Member, fleet: FleetView): Pick<MemberChange, 'heardMs'> {
  if (member.generation === 0n || member.heardMs > 0) return {};
  return fleet.nodes.get(member.nodeId)?.online === true ? { heardMs: fleet.nowMs } : {};
}

function ended(member: Member, verdict: Verdict | undefined): Pick<MemberChange, 'ended'> {
  if (verdict === undefined || verdict.state === member.outcome || member.revertGeneration > 0n) return {};
  const { state, reasonCode, message } = verdict;
  if (state === 'PENDING' || state === 'IN_FLIGHT' || state === 'OFFLINE') return {};
  return { ended: { outcome: state, reasonCode, message } };
}

function back(member: Member, { spec }: Rollout, fleet: FleetView): Pick<MemberChange, 'back'> {
  if (member.back || member.revertGeneration === 0n) return {};
  return wayBack(member, spec, fleet) === 'back' ? { back: true } : {};
}

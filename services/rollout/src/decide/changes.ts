/** What has come to be known of a rollout's nodes since it was last written. */
import type { Verdict } from './classify.js';
import type { FleetView } from './fleet-view.js';
import type { Member, Outcome } from './rollout.js';

/** New knowledge of one member; what is absent has not changed. */
export interface MemberChange {
  readonly nodeId: string;
  readonly heardMs?: number;
  readonly ended?: { readonly outcome: Outcome; readonly reasonCode: string; readonly message: string };
  readonly back?: true;
}

/** What is to be written of a member that now has this verdict; undefined when nothing new is known. */
export function memberChange(member: Member, verdict: Verdict, fleet: FleetView): MemberChange | undefined {
  const change = {
    nodeId: member.nodeId,
    ...heard(member, fleet),
    ...ended(member, verdict),
    ...(verdict.way === 'back' && !member.back ? { back: true as const } : {}),
  };
  return Object.keys(change).length > 1 ? change : undefined;
}

function heard(member: Member, fleet: FleetView): Pick<MemberChange, 'heardMs'> {
  if (member.generation === 0n || member.heardMs > 0) return {};
  return fleet.nodes.get(member.nodeId)?.online === true ? { heardMs: fleet.nowMs } : {};
}

function ended(member: Member, { state, reasonCode, message }: Verdict): Pick<MemberChange, 'ended'> {
  if (state === member.outcome || member.revertGeneration > 0n) return {};
  if (state === 'PENDING' || state === 'IN_FLIGHT' || state === 'OFFLINE') return {};
  return { ended: { outcome: state, reasonCode, message } };
}

/** When failures stop a rollout. */
import type { Verdict } from './classify.js';
import type { Spec } from './rollout.js';

/** Judged nodes from which on a share is taken as it is; below, the nodes still under way count as if they would commit. */
const enoughJudged = 20;

/** The failures that stop the rollout, and why in words; undefined while it may go on. */
export function trippedGate(
  spec: Pick<Spec, 'maxFailures' | 'maxFailureRate'>,
  verdicts: readonly Verdict[],
): { readonly failed: readonly Verdict[]; readonly message: string } | undefined {
  const failed = verdicts.filter(isFailure);
  if (failed.length === 0) return undefined;
  const judged = failed.length + verdicts.filter(({ state }) => state === 'COMMITTED').length;
  const assigned = verdicts.filter(({ state }) => state !== 'PENDING').length;
  const counted = Math.max(judged, Math.min(assigned, enoughJudged));
  const overCount = spec.maxFailures > 0 && failed.length >= spec.maxFailures;
  const overRate = failed.length / counted > spec.maxFailureRate;
  if (!overCount && !overRate) return undefined;
  const limit = overRate
    ? `more than ${Number((spec.maxFailureRate * 100).toFixed(3))} %`
    : `the limit of ${spec.maxFailures}`;
  const named = failed.slice(0, 3).map(nameFailure);
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : '';
  const message = `${failed.length} of ${judged} judged ${judged === 1 ? 'node' : 'nodes'} failed, ${limit}: ${named.join('; ')}${more}`;
  return { failed, message };
}

/** True for the ends that count against a version. */
function isFailure({ state }: Verdict): boolean {
  return state === 'FAILED' || state === 'ROLLED_BACK' || state === 'TIMED_OUT';
}

function nameFailure({ nodeId, reasonCode, message }: Verdict): string {
  const words = message === '' ? '' : ` (${message.slice(0, 200)})`;
  return `${nodeId} ${reasonCode === '' ? 'without a reason' : reasonCode}${words}`;
}

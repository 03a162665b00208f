import type { Standing } from './rollout.js';

/** What a rule says of a rollout. */
export type Said = Pick<Standing, 'phase' | 'wave' | 'reason' | 'message' | 'blockedOn'>;

/** Ids that a standing names at most. */
export const maxBlockedOn = 20;

/** The standing that follows from what is said now; it has stood so since before when phase, wave and reason are the same. */
export function standingAfter(before: Standing, said: Said, nowMs: number): Standing {
  const same = before.phase === said.phase && before.wave === said.wave && before.reason === said.reason;
  const { phase, wave, reason, message } = said;
  const { promoted, full } = before;
  const blockedOn = said.blockedOn.slice(0, maxBlockedOn);
  return { phase, wave, reason, message, blockedOn, sinceMs: same ? before.sinceMs : nowMs, promoted, full };
}

/** "1 node", "2 nodes". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The ids of the first few. */
export function firstOf(verdicts: Iterable<{ readonly nodeId: string }>): readonly string[] {
  const ids: string[] = [];
  for (const { nodeId } of verdicts) {
    if (ids.length === maxBlockedOn) break;
    ids.push(nodeId);
  }
  return ids;
}

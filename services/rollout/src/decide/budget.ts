/** Which nodes may be assigned now: in the order of the plan, as many as the budgets have room for. */
import type { Board } from './board.js';
import type { Verdict } from './classify.js';
import type { Spec } from './rollout.js';

/** Of the waves up to this one. A site that is full holds up no other. */
export function assignable(
  { maxInFlight, maxPerSite }: Pick<Spec, 'maxInFlight' | 'maxPerSite'>,
  board: Board,
  upTo: number,
): readonly Verdict[] {
  const chosen: Verdict[] = [];
  const atSite = new Map<string, number>();
  const room = maxInFlight === 0 ? Infinity : maxInFlight - board.openCount();
  for (const verdict of board.unassigned(upTo)) {
    if (chosen.length >= room) break;
    const { site } = verdict;
    if (maxPerSite > 0 && site !== '') {
      const there = atSite.get(site) ?? board.openAt(site);
      if (there >= maxPerSite) continue;
      atSite.set(site, there + 1);
    }
    chosen.push(verdict);
  }
  return chosen;
}

/** The budgets in words; empty when there are none. */
export function describeBudgets({
  maxInFlight,
  maxPerSite,
  siteLabel,
}: Pick<Spec, 'maxInFlight' | 'maxPerSite' | 'siteLabel'>): string {
  const limits = [
    ...(maxInFlight === 0 ? [] : [`${maxInFlight} at a time`]),
    ...(maxPerSite === 0 ? [] : [`${maxPerSite} of a ${siteLabel} at a time`]),
  ];
  return limits.join(', ');
}

/**
 * Cuts a rollout's nodes into waves, once, before anything is written to any of them. The order is that of a hash of the
 * rollout and the node: nobody chooses the canaries, the next rollout has others, and a restart finds the same plan. Nodes
 * that are known to be away go last, because a first wave that cannot answer says nothing.
 */
import { createHash } from 'node:crypto';
import { AtollError } from '@atoll/base/error';

/** Cuts `nodeIds` into waves of the cumulative sizes `waves`: shares ("10%") or counts ("2"), rounded up, at least one node each. */
export function planWaves(
  uid: string,
  nodeIds: readonly string[],
  waves: readonly string[],
  away: ReadonlySet<string> = new Set(),
): readonly (readonly string[])[] {
  const sizes = cumulativeSizes(waves, nodeIds.length);
  const ranked = nodeIds.map((id) => ({ id, away: away.has(id), rank: rankOf(uid, id) }));
  ranked.sort((a, b) => Number(a.away) - Number(b.away) || (a.rank < b.rank ? -1 : 1));
  const order = ranked.map(({ id }) => id);
  return sizes.map((size, index) => order.slice(sizes[index - 1] ?? 0, size));
}

/** Cumulative node counts of the waves; a wave that would add no node is left out. */
export function cumulativeSizes(waves: readonly string[], nodes: number): number[] {
  const sizes: number[] = [];
  for (const wave of waves) {
    const size = sizeOf(wave, nodes);
    const before = sizes.at(-1) ?? 0;
    if (size < before) throw unusable(wave, 'waves are cumulative and must rise');
    if (size > before) sizes.push(size);
  }
  return sizes;
}

function sizeOf(wave: string, nodes: number): number {
  const [, share, count] = /^(?:(\d{1,3}(?:\.\d{1,6})?)%|(\d{1,9}))$/.exec(wave) ?? [];
  const value = Number(share ?? count ?? Number.NaN);
  if (Number.isNaN(value)) throw unusable(wave, 'it is neither a share like 10% nor a count like 2');
  if (value <= 0) throw unusable(wave, 'a wave has at least one node');
  if (share === undefined) return Math.min(value, nodes);
  if (value > 100) throw unusable(wave, 'there are no more than 100%');
  // 10% of 30 in binary fractions is a little over 3.
  return Math.min(nodes, Math.max(1, Math.ceil((value * nodes) / 100 - 1e-9)));
}

function rankOf(uid: string, nodeId: string): string {
  return createHash('sha256').update(`${uid}|${nodeId}`).digest('hex');
}

function unusable(wave: string, reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot use wave ${JSON.stringify(wave.slice(0, 40))}: ${reason}`);
}

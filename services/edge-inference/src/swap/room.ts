/*
 * Whether a version that comes has room under the node's memory budget, and what has to go for it. Other models that are idle
 * and not pinned go first, the least recently used one first: they stay known and come back with their next request. When that
 * does not make room for two versions of one model, the one in service has to leave before the new one comes. A version that has
 * no room even then is refused with the numbers. It decides from sizes and the order of use alone.
 */
import type { SwapPolicy } from './state.js';

/** A loaded model as the decision sees it. */
export interface Occupant {
  readonly name: string;
  readonly bytes: number;
  /** Rises with every use. */
  readonly lastUse: number;
  /** It may not go: pinned, at work on a change, or with a version on trial. */
  readonly pinned: boolean;
}

/** What there is and what comes; all sizes count every slot. */
export interface RoomRequest {
  /** 0 = no bound. */
  readonly budgetBytes: number;
  readonly comingBytes: number;
  /** Versions of the same model that leave in any case, before or after. */
  readonly replacedBytes: number;
  /** All other loaded models, and what else of this model stays. */
  readonly others: readonly Occupant[];
}

/** What to do: unload these models and swap by this policy, or refuse and say why. */
export type Room =
  | { readonly kind: 'room'; readonly policy: SwapPolicy; readonly evict: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/** Decides. */
export function roomFor({ budgetBytes, comingBytes, replacedBytes, others }: RoomRequest): Room {
  if (budgetBytes === 0) return { kind: 'room', policy: 'availability-preserving', evict: [] };
  const needs = `it needs ${megabytes(comingBytes)} of memory`;
  if (comingBytes > budgetBytes) {
    return { kind: 'none', reason: `${needs}, the node's memory budget is ${megabytes(budgetBytes)}` };
  }
  const beside = evictions(budgetBytes - comingBytes - replacedBytes, others);
  if (beside !== undefined) return { kind: 'room', policy: 'availability-preserving', evict: beside };
  const instead = evictions(budgetBytes - comingBytes, others);
  if (instead !== undefined) return { kind: 'room', policy: 'resource-preserving', evict: instead };
  const held = others.filter(({ pinned }) => pinned).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    kind: 'none',
    reason: `${needs}, and of the node's memory budget of ${megabytes(budgetBytes)} models that may not leave hold ${megabytes(held)}`,
  };
}

/** The models to unload so that the others take at most this much; undefined when they never do. */
function evictions(leftBytes: number, others: readonly Occupant[]): readonly string[] | undefined {
  const leaving = others.filter(({ pinned }) => !pinned).toSorted((a, b) => a.lastUse - b.lastUse);
  let heldBytes = others.reduce((sum, { bytes }) => sum + bytes, 0);
  const evict: string[] = [];
  for (const { name, bytes } of leaving) {
    if (heldBytes <= leftBytes) break;
    evict.push(name);
    heldBytes -= bytes;
  }
  return heldBytes <= leftBytes ? evict : undefined;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

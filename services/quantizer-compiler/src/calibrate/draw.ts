import { sha256 } from '@atoll/base/digest';

/** Draws `count` of the keys in an order that depends on the seed and on each key alone; fewer keys give all of them. */
export function draw<T>(items: readonly T[], key: (item: T) => string, count: number, seed: bigint): readonly T[] {
  return items
    .map((item) => ({ item, order: sha256(`${seed}:${key(item)}`) }))
    .toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
    .slice(0, count)
    .map(({ item }) => item);
}

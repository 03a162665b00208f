/*
 * Which share of a model's requests goes to its canary, and of which its shadow gets a copy. A caller with a route key always
 * lands on the same side of a split as long as the split is the same, and stays on the canary's side when its share grows.
 * Others are dealt out evenly: of any n requests in a row n * percent / 100 are chosen, give or take one, without chance.
 */

/** Deals out one share of the requests. */
export interface ShareDealer {
  /** True when this request belongs to the share of `percent` (0 to 100). */
  takes(percent: number, routeKey?: string): boolean;
}

/** A dealer that has dealt nothing yet. */
export function createShareDealer(): ShareDealer {
  let owed = 0;
  return {
    takes(percent, routeKey) {
      if (routeKey !== undefined) return placeOf(routeKey) < percent;
      owed += percent;
      // A hair below, so that sums of fractions such as 100 / 3 come out as meant.
      if (owed < 100 - 1e-9) return false;
      owed -= 100;
      return true;
    },
  };
}

/**
 * A key's place on the scale of 0 to 100 in steps of a hundredth: 32-bit FNV-1a over its UTF-16 units, mixed once more, because
 * the low bits of FNV alone follow the last letters of the key.
 * Source: the FNV page of its authors; the mixing is the finalizer of MurmurHash3.
 */
export function placeOf(routeKey: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < routeKey.length; i++) hash = Math.imul(hash ^ routeKey.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) % 10_000) / 100;
}

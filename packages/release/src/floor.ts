/** Which version a node may take: never below the floor that releases raised, and below the present one only when told so. */

/** Why a version may or may not be taken. */
export type VersionVerdict = 'ok' | 'below-floor' | 'downgrade';

/** Judges a desired version against what the node has: `current` and `floor` are 0n when there is none. */
export function judgeVersion(
  desired: { readonly version: bigint; readonly downgradeOk: boolean },
  has: { readonly current: bigint; readonly floor: bigint },
): VersionVerdict {
  if (desired.version < has.floor) return 'below-floor';
  if (desired.version < has.current && !desired.downgradeOk) return 'downgrade';
  return 'ok';
}

/** The floor after a node committed a release: it only rises. */
export function raisedFloor(floor: bigint, release: { readonly minVersionFloor: bigint }): bigint {
  return release.minVersionFloor > floor ? release.minVersionFloor : floor;
}

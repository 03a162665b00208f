/** Fewer held-out photos than this tell chance, not candidates. */
const leastHeldOut = 16;

/** Photos to calibrate on and photos to choose by: where the latter are too few, every fourth of the former, or all of very few. */
export function splitPhotos<P>(
  photos: readonly P[],
  heldOut: readonly P[],
): { readonly photos: readonly P[]; readonly heldOut: readonly P[] } {
  if (heldOut.length >= leastHeldOut) return { photos, heldOut };
  const isFourth = (_: P, index: number): boolean => index % 4 === 3;
  const fourths = [...heldOut, ...photos.filter(isFourth)];
  if (fourths.length < leastHeldOut) return { photos, heldOut: [...heldOut, ...photos] };
  return { photos: photos.filter((photo, index) => !isFourth(photo, index)), heldOut: fourths };
}

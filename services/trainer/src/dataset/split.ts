/**
 * Decides which photos validate. Each photo's side follows from the seed and its own bytes alone, so adding photos moves none
 * of the old ones, and two copies of one photo never stand on both sides. Within each class the share holds on average; a class
 * of two photos or more has at least one on either side.
 */
import { sha256 } from '@atoll/base/digest';
import type { LabelledPhoto } from './photo.js';

/** The two sides, each in the order of the photos given. */
export interface Split<P extends LabelledPhoto> {
  readonly training: readonly P[];
  readonly validation: readonly P[];
}

/** `share` of each class, 0..0.5, goes to validation. */
export function splitPhotos<P extends LabelledPhoto>(photos: readonly P[], seed: number, share: number): Split<P> {
  const place = new Map(photos.map((photo) => [photo, fraction(seed, photo)]));
  const validating = new Set<P>();
  for (const ofClass of groupedByLabel(photos)) {
    const ordered = ofClass.toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    const below = ordered.filter((photo) => (place.get(photo) ?? 1) < share).length;
    const count = ordered.length < 2 || share === 0 ? 0 : Math.min(Math.max(below, 1), ordered.length - 1);
    for (const photo of ordered.slice(0, count)) validating.add(photo);
  }
  return {
    training: photos.filter((photo) => !validating.has(photo)),
    validation: photos.filter((photo) => validating.has(photo)),
  };
}

/** The photo's place in 0..1: the first 48 bits of a hash of seed and digest. */
function fraction(seed: number, photo: LabelledPhoto): number {
  return Number.parseInt(sha256(`${seed}:${photo.sha256}`).slice(0, 12), 16) / 2 ** 48;
}

function groupedByLabel<P extends LabelledPhoto>(photos: readonly P[]): readonly (readonly P[])[] {
  const groups = new Map<number, P[]>();
  for (const photo of photos) {
    const group = groups.get(photo.label);
    if (group === undefined) groups.set(photo.label, [photo]);
    else group.push(photo);
  }
  return [...groups.values()];
}

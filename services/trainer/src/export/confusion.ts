import { argMax } from '../engine/scores.js';
import type { LabelledPhoto } from '../dataset/photo.js';

/** How often each class was taken for each other, and what follows per class. */
export interface Confusion {
  /** Which photos were judged. */
  readonly set: 'test' | 'validation';
  readonly images: number;
  readonly accuracy: number;
  readonly classes: readonly string[];
  /** counts[truth][prediction]. */
  readonly counts: readonly (readonly number[])[];
  /** Precision and recall are null where there is nothing to divide by. */
  readonly perClass: readonly ClassScore[];
}

/** Precision: right among those called so. Recall: right among those that are so. */
export interface ClassScore {
  readonly class: string;
  readonly images: number;
  readonly precision: number | null;
  readonly recall: number | null;
}

/** Compares the top class of each row (lowest index on ties) with the photo's label. */
export function confusionOf(
  set: Confusion['set'],
  classes: readonly string[],
  photos: readonly LabelledPhoto[],
  rows: readonly Float32Array[],
): Confusion {
  const counts = classes.map(() => classes.map(() => 0));
  photos.forEach(({ label }, i) => {
    const truth = counts[label];
    const called = argMax(rows[i] ?? []);
    if (truth !== undefined) truth[called] = (truth[called] ?? 0) + 1;
  });
  const right = classes.map((_, c) => counts[c]?.[c] ?? 0);
  return {
    set,
    images: photos.length,
    accuracy: sum(right) / photos.length,
    classes,
    counts,
    perClass: classes.map((name, c) => ({
      class: name,
      images: sum(counts[c] ?? []),
      precision: share(right[c] ?? 0, sum(counts.map((row) => row[c] ?? 0))),
      recall: share(right[c] ?? 0, sum(counts[c] ?? [])),
    })),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

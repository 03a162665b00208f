import type { Photo } from '../dataset/photo.js';
import { argMax } from '../engine/scores.js';

/** What the network says of one photo; an entry of predictions.json. */
export interface Prediction {
  readonly file: string;
  /** Its class, null where that is not known. */
  readonly truth: string | null;
  readonly class: string;
  readonly score: number;
  /** Probabilities of all classes in label order. */
  readonly scores: readonly number[];
}

/** The predictions of photos, whose probabilities stand in `rows`. */
export function predictionsOf(
  classes: readonly string[],
  photos: readonly Photo[],
  rows: readonly Float32Array[],
): readonly Prediction[] {
  return photos.map(({ path, label }, i) => {
    const row = rows[i] ?? new Float32Array();
    const best = argMax(row);
    return {
      file: path,
      truth: label === null ? null : (classes[label] ?? null),
      class: classes[best] ?? '',
      score: row[best] ?? 0,
      scores: [...row],
    };
  });
}

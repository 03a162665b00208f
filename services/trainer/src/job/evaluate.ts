import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrainingSession } from '../engine/engine.js';
import { argMax } from '../engine/scores.js';
import type { Decoded } from '../dataset/decode-photos.js';
import type { LabelledPhoto, Photo } from '../dataset/photo.js';
import type { BatchFiller } from './batches.js';

/** Class probabilities of photos in their order, one row a photo. */
export async function predictAll(
  session: TrainingSession,
  photos: readonly Decoded<Photo>[],
  filler: BatchFiller,
  batchSize: number,
  signal: AbortSignal,
): Promise<readonly Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let start = 0; start < photos.length; start += batchSize) {
    const batch = photos.slice(start, start + batchSize);
    const scores = session.predict(filler.fill(batch, null), batch.length);
    const classes = scores.length / batch.length;
    for (let i = 0; i < batch.length; i++) rows.push(scores.slice(i * classes, (i + 1) * classes));
    await nextTurn();
    signal.throwIfAborted();
  }
  return rows;
}

/** Mean cross-entropy (probabilities held above 1e-7, as in Keras) and share of right answers. */
export function judge(
  photos: readonly LabelledPhoto[],
  rows: readonly Float32Array[],
): { loss: number; accuracy: number } {
  let loss = 0;
  let correct = 0;
  photos.forEach(({ label }, i) => {
    const row = rows[i] ?? new Float32Array();
    loss -= Math.log(Math.max(row[label] ?? 0, 1e-7));
    if (argMax(row) === label) correct++;
  });
  return { loss: loss / photos.length, accuracy: correct / photos.length };
}

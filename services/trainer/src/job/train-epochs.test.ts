import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { systemClock } from '@atoll/base/clock';
import type { Decoded } from '../dataset/decode-photos.js';
import type { LabelledPhoto } from '../dataset/photo.js';
import { PixelCache } from '../dataset/pixel-cache.js';
import type { StepResult, TrainingSession } from '../engine/engine.js';
import { BatchFiller } from './batches.js';
import type { EpochRecord } from './messages.js';
import { defaultSettings } from './settings.js';
import { trainEpochs } from './train-epochs.js';

const size = 2;

/** A session that learns nothing, calls every photo class 0, and remembers the brightness of what it was given. */
class RecordingSession implements TrainingSession {
  readonly seen: number[][] = [];
  readonly #losses: readonly number[];

  constructor(losses: readonly number[]) {
    this.#losses = losses;
  }

  step(pixels: Float32Array, labels: Int32Array): StepResult {
    this.seen.push(Array.from(labels, (_, i) => Math.round((pixels[i * size * size * 3] ?? 0) * 255)));
    return { loss: this.#losses[this.seen.length - 1] ?? 1, correct: labels.filter((label) => label === 0).length };
  }

  predict(_pixels: Float32Array, count: number): Float32Array {
    return Float32Array.from({ length: count * 2 }, (_, i) => (i % 2 === 0 ? 0.75 : 0.25));
  }

  weights(): readonly [] {
    return [];
  }

  dispose(): void {
    this.seen.length = 0;
  }
}

describe('trainEpochs()', () => {
  let folder = '';
  let cache: PixelCache;
  const photos = Array.from({ length: 10 }, (_, slot): Decoded<LabelledPhoto> => {
    const path = `${slot % 2}/${slot}.png`;
    return { path, sha256: sha256(path), sizeBytes: 1, label: slot % 2, slot };
  });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-epochs-'));
    cache = await PixelCache.create(join(folder, 'pixels.u8'), 10, size * size * 3);
    for (const { slot } of photos) await cache.write(slot, new Uint8Array(size * size * 3).fill(slot));
  });
  after(async () => {
    await cache.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function train(session: TrainingSession, seed = 1, signal = new AbortController().signal) {
    const settings = { ...defaultSettings, epochs: 2, batchSize: 4, seed };
    const filler = new BatchFiller(cache, size, settings.batchSize);
    const [training, validation] = [photos.slice(0, 7), photos.slice(7)];
    const records: EpochRecord[] = [];
    const input = { session, filler, training, validation, settings, clock: systemClock };
    for await (const record of trainEpochs(input, () => undefined, signal)) records.push(record);
    return records;
  }

  test('gives every training photo once an epoch, in another order each epoch, the last batch shorter', async () => {
    const session = new RecordingSession([]);
    await train(session);
    assert.deepEqual(
      session.seen.map((batch) => batch.length),
      [4, 3, 4, 3],
    );
    const [first, second] = [session.seen.slice(0, 2).flat(), session.seen.slice(2).flat()];
    for (const epoch of [first, second]) assert.deepEqual(new Set(epoch), new Set([0, 1, 2, 3, 4, 5, 6]));
    assert.notDeepEqual(first, second);
  });

  test('the order follows from the seed', async () => {
    const [a, b, c] = [new RecordingSession([]), new RecordingSession([]), new RecordingSession([])];
    await train(a, 1);
    await train(b, 1);
    await train(c, 2);
    assert.deepEqual(a.seen, b.seen);
    assert.notDeepEqual(a.seen, c.seen);
  });

  test('records means over photos, not over batches, and what validation says', async () => {
    const [record] = await train(new RecordingSession([1, 2, 1, 1]));
    assert.equal(record?.epoch, 1);
    assert.equal(record.loss, (1 * 4 + 2 * 3) / 7);
    assert.equal(record.accuracy, 4 / 7);
    // Photos 7, 8 and 9 have labels 1, 0 and 1; class 0 is given 0.75.
    assert.equal(record.valAccuracy, 1 / 3);
    assert.ok(Math.abs(record.valLoss + (2 * Math.log(0.25) + Math.log(0.75)) / 3) < 1e-9);
  });

  test('ends with one line when the loss is no longer a number', async () => {
    await assert.rejects(train(new RecordingSession([1, 1, Number.NaN])), {
      code: 'FAILED_PRECONDITION',
      message: /^cannot go on with the training: in epoch 2 the loss is no longer a number; .* below 0\.0005 may help$/,
    });
  });

  test('stops between steps when it is told to', async () => {
    const controller = new AbortController();
    const session = new RecordingSession([]);
    const step = session.step.bind(session);
    session.step = (pixels, labels) => {
      controller.abort();
      return step(pixels, labels);
    };
    await assert.rejects(train(session, 1, controller.signal), { name: 'AbortError' });
    assert.equal(session.seen.length, 1);
  });
});

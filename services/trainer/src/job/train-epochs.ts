import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@atoll/base/clock';
import { AtollError } from '@atoll/base/error';
import { randomStream, shuffled } from '../augment/random.js';
import type { Decoded } from '../dataset/decode-photos.js';
import type { LabelledPhoto } from '../dataset/photo.js';
import type { TrainingSession } from '../engine/engine.js';
import type { BatchFiller } from './batches.js';
import { judge, predictAll } from './evaluate.js';
import type { EpochRecord, TrainingEvent } from './messages.js';
import { afterStep, reportIfDue, startEpoch } from './progress.js';
import type { TrainingSettings } from './settings.js';

/** What the loop works on. */
export interface EpochsInput {
  readonly session: TrainingSession;
  readonly filler: BatchFiller;
  readonly training: readonly Decoded<LabelledPhoto>[];
  readonly validation: readonly Decoded<LabelledPhoto>[];
  readonly settings: TrainingSettings;
  readonly clock: Clock;
}

/** Trains epoch after epoch; yields each epoch's record once it is validated, before the next one begins. */
export async function* trainEpochs(
  input: EpochsInput,
  emit: (event: TrainingEvent) => void,
  signal: AbortSignal,
): AsyncGenerator<EpochRecord> {
  const { session, filler, validation, settings, clock } = input;
  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    const startedMs = clock.monotonicMs();
    const trained = await trainEpoch(input, epoch, emit, signal);
    const trainedMs = clock.monotonicMs();
    const rows = await predictAll(session, validation, filler, settings.batchSize, signal);
    const judged = judge(validation, rows);
    yield {
      epoch,
      loss: trained.lossSum / trained.images,
      accuracy: trained.correct / trained.images,
      valLoss: judged.loss,
      valAccuracy: judged.accuracy,
      seconds: (clock.monotonicMs() - startedMs) / 1000,
      imagesPerSecond: (trained.images * 1000) / (trainedMs - startedMs),
    };
  }
}

async function trainEpoch(
  { session, filler, training, settings, clock }: EpochsInput,
  epoch: number,
  emit: (event: TrainingEvent) => void,
  signal: AbortSignal,
) {
  const { batchSize, seed, epochs } = settings;
  const order = shuffled(training.length, randomStream(seed, 'order', epoch));
  let meter = startEpoch(epoch, epochs, Math.ceil(training.length / batchSize), clock.monotonicMs());
  for (let start = 0; start < training.length; start += batchSize) {
    const batch = Array.from(order.subarray(start, start + batchSize), (i) => training[i] as Decoded<LabelledPhoto>);
    const pixels = filler.fill(batch, { ranges: settings.augmentation, seed, epoch });
    const labels = Int32Array.from(batch, (photo) => photo.label);
    const result = session.step(pixels, labels);
    if (!Number.isFinite(result.loss)) throw diverged(epoch, settings.learningRate);
    meter = afterStep(meter, result, batch.length);
    const reported = reportIfDue(meter, clock.monotonicMs());
    meter = reported.meter;
    if (reported.report !== null) emit(reported.report);
    // A step holds the process for up to a second: between steps messages leave and a request to end is heard.
    await nextTurn();
    signal.throwIfAborted();
  }
  return meter;
}

function diverged(epoch: number, learningRate: number): AtollError {
  return new AtollError(
    'FAILED_PRECONDITION',
    `cannot go on with the training: in epoch ${epoch} the loss is no longer a number; a learning rate below ${learningRate} may help`,
  );
}

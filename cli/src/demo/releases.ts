/** The four releases of the main job: two good ones, one that answers wrongly, one that turns slow. */
import type { KeyObject } from 'node:crypto';
import { sha256 } from '@atoll/base/digest';
import type { Env } from '@atoll/base/env';
import type { Channel } from '@atoll/rpc/channel';
import { appendLabels } from '@atoll/tflite/metadata';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { type Classifier, openClassifier } from '../classifier.js';
import { type GoldenPair, goldenFromPhotos } from '../publish/golden.js';
import { publishRelease } from '../publish/publish-release.js';
import { slowingModel } from './slowing-model.js';

/** Where and as whom the main job publishes. */
export interface Publisher {
  readonly registry: Channel;
  readonly buildKey: KeyObject;
  readonly model: string;
  /** Photos of the golden cases. */
  readonly photoPaths: readonly string[];
  readonly env: Env;
  readonly signal: AbortSignal;
}

/** Runs before the fourth release turns slow: a few seconds of the main job's load. */
export const runsBeforeSlow = 150;
/** How often it then works through its network in vain. */
const rounds = 12;

/** Publishes a model with golden cases of its own. */
export async function publishGood(publisher: Publisher, version: bigint, tflite: Uint8Array): Promise<void> {
  await withClassifier(publisher, tflite, async (classifier) => {
    const golden = await goldenFromPhotos(publisher.photoPaths, classifier, publisher.signal);
    await publish(publisher, version, tflite, classifier, golden);
  });
}

/**
 * Publishes a model that loads and runs, but does not give the answers that its release promises: each is half the range of
 * a byte away from what the model says, so that it is wrong whatever the photos are and however much was learned from them.
 */
export async function publishWrong(publisher: Publisher, version: bigint, tflite: Uint8Array): Promise<void> {
  await withClassifier(publisher, tflite, async (classifier) => {
    const right = await goldenFromPhotos(publisher.photoPaths, classifier, publisher.signal);
    const wrong = right.map(({ input, output }) => ({ input, output: output.map((value) => value ^ 0x80) }));
    await publish(publisher, version, tflite, classifier, wrong);
  });
}

/** Publishes a model that answers rightly and turns slow by itself after a while. */
export async function publishSlowing(publisher: Publisher, version: bigint, tflite: Uint8Array): Promise<void> {
  await withClassifier(publisher, tflite, async (original) => {
    const slowing = slowingModel(readModel(tflite), { after: runsBeforeSlow, times: rounds });
    const bytes = appendLabels(writeModel(slowing), original.labels);
    await publishGood(publisher, version, bytes);
  });
}

async function publish(
  publisher: Publisher,
  version: bigint,
  tflite: Uint8Array,
  classifier: Classifier,
  golden: readonly GoldenPair[],
): Promise<void> {
  const { input, output, preprocessing, labels } = classifier;
  await publishRelease(
    publisher.registry,
    {
      model: publisher.model,
      version,
      cpu: tflite,
      input,
      output,
      preprocessing,
      labels,
      golden,
      lineage: { sha256: sha256(tflite) },
      nowMs: Date.now(),
    },
    { buildKey: publisher.buildKey, alias: '', signal: publisher.signal },
  );
}

async function withClassifier<T>(
  { env, model }: Publisher,
  tflite: Uint8Array,
  use: (classifier: Classifier) => Promise<T>,
): Promise<T> {
  const classifier = await openClassifier(tflite, { env, backend: 'auto', labels: undefined, name: model });
  try {
    return await use(classifier);
  } finally {
    await classifier.close();
  }
}

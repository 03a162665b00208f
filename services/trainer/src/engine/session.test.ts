import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reasonOf } from '@atoll/base/error';
import { randomStream } from '../augment/random.js';
import type { Network } from '../model/network.js';
import { initialWeights, type Weight } from '../model/weights.js';
import { type Engine, type EngineName, engineNames } from './engine.js';
import { engineLoaders } from './engine-loaders.js';

/** Small enough for the tests, with every kind of layer. */
const network: Network = {
  name: 'small',
  imageSize: 12,
  layers: [
    { kind: 'convolution', name: 'conv2d', filters: 4, kernelSize: 3 },
    { kind: 'max-pool', name: 'max_pooling2d', size: 2 },
    { kind: 'dropout', name: 'dropout', rate: 0.2 },
    { kind: 'convolution', name: 'conv2d_1', filters: 6, kernelSize: 3 },
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'dense', units: 8, activation: 'relu' },
    { kind: 'dense', name: 'dense_1', units: 3, activation: 'softmax' },
  ],
};

/** Photos of three colours under noise, in 0..1. */
function batch(count: number): { pixels: Float32Array; labels: Int32Array } {
  const random = randomStream(3, 'photos');
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const pixels = Float32Array.from({ length: count * 12 * 12 * 3 }, (_, i) => {
    const bright = i % 3 === labels[Math.floor(i / (12 * 12 * 3))];
    return bright ? random.between(0.4, 1) : random.between(0, 0.6);
  });
  return { pixels, labels };
}

function train(engine: Engine, seed: number, steps: number): { losses: number[]; weights: readonly Weight[] } {
  const weights = initialWeights(network, seed);
  const session = engine.openSession({ network, weights, learningRate: 3e-3, seed });
  const { pixels, labels } = batch(24);
  const losses = Array.from({ length: steps }, () => session.step(pixels, labels).loss);
  const trained = session.weights();
  session.dispose();
  return { losses, weights: trained };
}

/** Loads the engine and makes it the process's current one, or says why and what helps. */
async function load(name: EngineName): Promise<Engine | string> {
  try {
    return await engineLoaders[name]();
  } catch (error) {
    return `${reasonOf(error)}; the set-up that npm start and npm test begin with puts it there`;
  }
}

// One after the other: loading an engine makes it the current one of this process.
const loaded: (readonly [EngineName, Engine | string])[] = [];
for (const name of engineNames) loaded.push([name, await load(name)]);

for (const [name, found] of loaded) {
  describe(`engine ${name}`, () => {
    const skip = typeof found === 'string' ? found : false;
    const current = async (): Promise<Engine> => engineLoaders[name]();

    test('step() lowers the loss on learnable photos', { skip }, async () => {
      const { losses } = train(await current(), 1, 40);
      assert.ok((losses.at(-1) ?? 1) < (losses[0] ?? 0) / 3, losses.map((loss) => loss.toFixed(3)).join(' '));
    });

    test('the same seed gives the same weights, another seed others', { skip }, async () => {
      const engine = await current();
      const [a, b, c] = [train(engine, 1, 5), train(engine, 1, 5), train(engine, 2, 5)];
      assert.deepEqual(a.losses, b.losses);
      assert.deepEqual(a.weights, b.weights);
      assert.notDeepEqual(a.losses, c.losses);
    });

    test('predict() gives rows that sum to one, also for a part of a batch', { skip }, async () => {
      const engine = await current();
      const session = engine.openSession({ network, weights: initialWeights(network, 1), learningRate: 1e-3, seed: 1 });
      const { pixels } = batch(6);
      const [all, part] = [session.predict(pixels, 6), session.predict(pixels, 2)];
      session.dispose();
      assert.deepEqual([all.length, part.length], [18, 6]);
      for (let row = 0; row < 18; row += 3) {
        const sum = all.subarray(row, row + 3).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-6);
      }
    });
  });
}

test('tfjs-node and wasm lose alike over the first steps', async (context) => {
  const losses: number[][] = [];
  for (const name of engineNames) {
    const engine = await load(name);
    if (typeof engine === 'string') return context.skip(engine);
    losses.push(train(engine, 1, 5).losses);
  }
  losses[0]?.forEach((loss, i) => assert.ok(Math.abs(loss - (losses[1]?.[i] ?? 0)) < 1e-4, `step ${i}`));
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { Dataset, File, Group, ready } from 'h5wasm/node';
import { randomStream } from '../augment/random.js';
import { openTfjsSession } from '../engine/tfjs-session.js';
import { referenceCnn } from '../model/reference-cnn.js';
import { initialWeights } from '../model/weights.js';
import { writeKerasH5 } from './keras-h5.js';
import { writeLayersModel } from './layers-model.js';

const network = referenceCnn(24, 3);
const weights = initialWeights(network, 3).map((weight) => {
  const random = randomStream(4, weight.layer, weight.name);
  return weight.name === 'bias' ? { ...weight, values: weight.values.map(() => random.between(-0.1, 0.1)) } : weight;
});

describe('model files', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-model-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('writeLayersModel(): tfjs-layers opens it and predicts what the session predicts', async () => {
    await tf.setBackend('cpu');
    const names = await writeLayersModel(join(folder, 'layers-model'), network, weights);
    assert.deepEqual((await readdir(join(folder, 'layers-model'))).toSorted(), names.toSorted());
    const model = JSON.parse(await readFile(join(folder, 'layers-model/model.json'), 'utf8'));
    const shard = await readFile(join(folder, 'layers-model/group1-shard1of1.bin'));
    const loaded = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: model.modelTopology,
        weightSpecs: model.weightsManifest[0].weights,
        weightData: new Uint8Array(shard).buffer,
      }),
    );
    assert.equal(
      loaded.countParams(),
      weights.reduce((sum, { values }) => sum + values.length, 0),
    );
    const random = randomStream(5, 'pixels');
    const pixels = Float32Array.from({ length: 2 * 24 * 24 * 3 }, () => random.next());
    const session = openTfjsSession({ network, weights, learningRate: 1e-3, seed: 1 });
    const expected = session.predict(pixels, 2);
    session.dispose();
    const actual = (loaded.predict(tf.tensor4d(pixels, [2, 24, 24, 3])) as tf.Tensor).dataSync();
    expected.forEach((value, i) => assert.ok(Math.abs(value - (actual[i] ?? 0)) < 1e-6, `${value} ${actual[i]}`));
  });

  test("writeKerasH5(): holds Keras 2's description and every weight", async () => {
    const path = join(folder, 'model.h5');
    await writeKerasH5(path, network, weights, 5e-4);
    await ready;
    const file = new File(path, 'r');
    const config = JSON.parse(file.attrs['model_config']?.value as string);
    assert.equal(config.class_name, 'Sequential');
    assert.deepEqual(config.config.layers[0].config.batch_input_shape, [null, 24, 24, 3]);
    const layers = file.get('model_weights') as Group;
    assert.deepEqual(
      layers.attrs['layer_names']?.value,
      network.layers.map(({ name }) => name),
    );
    for (const { layer, name, shape, values } of weights) {
      const group = layers.get(layer) as Group;
      const listed = group.attrs['weight_names']?.value as string[];
      assert.ok(listed.includes(`${layer}/${name}:0`));
      const dataset = group.get(`${layer}/${name}:0`) as Dataset;
      assert.deepEqual(dataset.shape, shape);
      assert.deepEqual(dataset.value, values);
    }
    file.close();
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('writeKerasH5() into a missing folder fails and leaves nothing', async () => {
    await assert.rejects(writeKerasH5(join(folder, 'none/model.h5'), network, weights, 5e-4));
    assert.ok(!(await readdir(folder)).includes('none'));
  });
});

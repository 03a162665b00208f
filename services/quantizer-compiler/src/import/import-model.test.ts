import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { writeModel } from '@atoll/tflite/write';
import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { passes } from '../passes/passes.js';
import { layersModel, referenceLayers, seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import type { LayerJson } from '../test-models.js';
import { importModel } from './import-model.js';
import { kerasH5 } from './keras-files-for-tests.js';
import { readLayersModel } from './layers-model.js';
import type { ModelFiles } from './layers-model.js';

/** A `.h5` as Keras 2 lays it out, with the weights of a layers-model. */
async function h5Of(files: ModelFiles, layers: readonly LayerJson[]): Promise<Uint8Array> {
  const model = readLayersModel(files.get('model.json') ?? new Uint8Array(), files, 'model.json');
  const weights = model.topology.layers.flatMap((layer) =>
    ['kernel', 'bias'].flatMap((name) => {
      const weight = model.weight(layer, name);
      const stored = `${layer.name}/${name}:0`;
      return weight === null ? [] : [{ layer: layer.name, name: stored, shape: weight.shape, data: weight.read() }];
    }),
  );
  return await kerasH5({ class_name: 'Sequential', config: { name: 'reference', layers } }, weights);
}

const layers = referenceLayers(22, 3);
const optimized = (graph: Graph): Graph => passes.reduce((before, pass) => verify(pass.run(before), pass.name), graph);

describe('importModel', () => {
  it('gives the same graph and weights for a .h5 as for a layers-model', async () => {
    const files = layersModel(layers, 5);
    const fromJson = await importModel(files);
    const fromH5 = await importModel(new Map([['model.h5', await h5Of(files, layers)]]));
    assert.deepEqual(fromH5, fromJson);
  });

  it('turns layers into operations with their names, shapes and options', async () => {
    const graph = optimized(await importModel(layersModel(layers, 5)));
    const short = printGraph(graph)
      .replaceAll(/\w+\/(kernel|bias):float32/g, '$1')
      .replaceAll(/ (stride|dilation)[WH]=1/g, '');
    assert.equal(
      short,
      `graph reference (input:float32[1,22,22,3])
  conv_1:float32[1,20,20,16] = CONV_2D(input, kernel[16,3,3,3], bias[16]) {activation=1 padding=1}
  pool_1:float32[1,10,10,16] = MAX_POOL_2D(conv_1) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
  conv_2:float32[1,8,8,64] = CONV_2D(pool_1, kernel[64,3,3,16], bias[64]) {activation=1 padding=1}
  pool_2:float32[1,4,4,64] = MAX_POOL_2D(conv_2) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
  conv_3:float32[1,2,2,128] = CONV_2D(pool_2, kernel[128,3,3,64], bias[128]) {activation=1 padding=1}
  pool_3:float32[1,1,1,128] = MAX_POOL_2D(conv_3) {filterHeight=2 filterWidth=2 padding=1 strideH=2 strideW=2}
  flatten:float32[1,128] = RESHAPE(pool_3, flatten/shape:int32[2]) {newShape=1,128}
  dense_1:float32[1,128] = FULLY_CONNECTED(flatten, kernel[128,128], bias[128]) {activation=1}
  dense_2/linear:float32[1,3] = FULLY_CONNECTED(dense_1, kernel[3,128], bias[3])
  dense_2:float32[1,3] = SOFTMAX(dense_2/linear) {beta=1}
  return dense_2
`,
    );
  });

  const refusals: readonly (readonly [string, readonly LayerJson[], RegExp])[] = [
    [
      'an open input size',
      withInput([null, null, 22, 3]),
      /layer conv_1 \(Conv2D\) has the input shape \[null,null,22,3\]/,
    ],
    ['channels first', change(0, { data_format: 'channels_first' }), /layer conv_1 \(Conv2D\) puts channels first/],
    [
      'an unknown activation',
      change(0, { activation: 'softplus' }),
      /layer conv_1 \(Conv2D\) has activation "softplus"; linear, relu,/,
    ],
    ['an unknown padding', change(1, { padding: 'causal' }), /layer pool_1 \(MaxPooling2D\) has padding "causal"/],
    [
      'a pool larger than its input',
      change(1, { pool_size: [50, 50] }),
      /layer pool_1 \(MaxPooling2D\) cannot follow an input of shape \[1, 20, 20, 16\]/,
    ],
  ];
  for (const [name, given, message] of refusals) {
    it(`refuses ${name}, naming the layer`, async () => {
      const files = new Map(layersModel(layers, 1));
      const json = JSON.parse(new TextDecoder().decode(files.get('model.json'))) as {
        modelTopology: { config: { layers: unknown } };
      };
      json.modelTopology.config.layers = given;
      files.set('model.json', new TextEncoder().encode(JSON.stringify(json)));
      await assert.rejects(
        importModel(files),
        (error) => isAtollError(error, 'INVALID_ARGUMENT') && message.test(error.message),
      );
    });
  }

  it('takes or refuses 1,500 mutated .tflite files, each in one line (seed 9)', async () => {
    const whole = writeModel(writeTfLite(optimized(await importModel(layersModel(referenceLayers(22, 3), 5)))));
    const random = seededRandom(9);
    const structure = whole.length - 4096;
    for (let round = 0; round < 1500; round++) {
      const file = Uint8Array.from(whole);
      for (let change = 0; change < 1 + random() * 6; change++) {
        const fromEnd = random() < 0.5;
        const at = fromEnd ? structure + Math.floor(random() * 4096) : 8 + Math.floor(random() * 4096);
        file[at] = Math.floor(random() * 256);
      }
      try {
        const graph = await importModel(new Map([['m.tflite', file]]));
        optimized(verify(graph, 'import'));
      } catch (error) {
        assert.ok(isAtollError(error) && error.code !== 'INTERNAL' && !error.message.includes('\n'), String(error));
      }
    }
  });

  it('refuses weights that are missing or cut off', async () => {
    const files = layersModel(layers, 1);
    const without = new Map([...files].filter(([name]) => !name.includes('2of2')));
    await assert.rejects(
      importModel(without),
      /cannot import model\.json: its weight file "group1-shard2of2\.bin" is missing/,
    );
    const cut = new Map([...files, ['group1-shard2of2.bin', new Uint8Array(8)] as const]);
    await assert.rejects(
      importModel(cut),
      (error) => isAtollError(error, 'DATA_LOSS') && /its weights end at byte/.test(error.message),
    );
  });

  it('refuses a .h5 that is cut in half, and one that is no Keras model', async () => {
    const h5 = await h5Of(layersModel(layers, 1), layers);
    const half = new Map([['model.h5', h5.subarray(0, h5.length >> 1)]]);
    await assert.rejects(
      importModel(half),
      (error) => isAtollError(error, 'DATA_LOSS') && /^cannot import model\.h5: [^\n]+$/.test(error.message),
    );
    await assert.rejects(
      importModel(new Map([['m.h5', new Uint8Array(100)]])),
      /^AtollError: cannot import m\.h5: it is not an HDF5 file$/,
    );
  });
});

function change(index: number, config: object): readonly LayerJson[] {
  return layers.map((layer, at) => (at === index ? { ...layer, config: { ...layer.config, ...config } } : layer));
}

function withInput(shape: readonly (number | null)[]): readonly LayerJson[] {
  return change(0, { batch_input_shape: shape });
}

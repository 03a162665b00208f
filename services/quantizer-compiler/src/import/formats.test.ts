import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { isAtollError } from '@atoll/base/error';
import { appendZip } from '@atoll/tflite/zip';
import { floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { importModel } from './import-model.js';
import { kerasArchive, kerasH5 } from './keras-files-for-tests.js';
import type { StoredWeight } from './keras-files-for-tests.js';

const dense = (name: string, more: object = {}): object => ({
  class_name: 'Dense',
  config: { name, units: 1, ...more },
});
const norm = (name: string, more: object = {}): object => ({
  class_name: 'BatchNormalization',
  config: { name, epsilon: 0, ...more },
});
const sequential = (name: string, layers: readonly object[], more: object = {}): object => ({
  class_name: 'Sequential',
  config: { name, layers, ...more },
});
const first = { batch_input_shape: [null, 1] };
const weight = (layer: string, name: string, value: number, shape: readonly number[] = [1]): StoredWeight => ({
  layer,
  name,
  shape,
  data: Float32Array.of(value),
});
const kernel = (layer: string, name: string, value: number): StoredWeight => weight(layer, name, value, [1, 1]);

/** The float constants of a graph by name. */
const constants = (graph: Graph): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(
    graph.values.flatMap((value) => (floatData(value) === null ? [] : [[value.name, [...(floatData(value) ?? [])]]])),
  );

const nested = sequential('top', [
  dense('a', first),
  sequential('block', [dense('b'), norm('n')]),
  dense('c'),
  dense('b'),
]);
const found = {
  'a/kernel': [1],
  'a/bias': [2],
  'block/b/kernel': [3],
  'block/b/bias': [4],
  // gamma 5 and variance 4 give 2.5; beta 6 less mean 2 times 2.5 gives 1.
  'block/n/scale': [2.5],
  'block/n/offset': [1],
  'c/kernel': [7],
  'c/bias': [8],
  'b/kernel': [9],
  'b/bias': [10],
};

describe('hard_sigmoid is of the Keras that wrote the model', () => {
  const model = (dtype: unknown): object =>
    sequential('m', [{ class_name: 'Activation', config: { name: 'a', dtype, activation: 'hard_sigmoid', ...first } }]);
  const slopeOf = async (name: string, bytes: Uint8Array): Promise<readonly number[] | undefined> =>
    constants(await importModel(new Map([[name, bytes]])))['a/slope'];

  it('x / 6 in Keras 3, whose first versions write types as Keras 2 does', async () => {
    assert.equal(await slopeOf('m.keras', await kerasArchive(model('float32'), [])), undefined);
  });

  it('x / 5 in Keras 2, with mixed precision too', async () => {
    const policy = { class_name: 'Policy', config: { name: 'mixed_float16' } };
    for (const dtype of ['float32', policy]) {
      assert.deepEqual(await slopeOf('m.h5', await kerasH5(model(dtype), [])), [Math.fround(0.2 * 6)]);
    }
  });
});

describe('importModel finds weights', () => {
  it('of a .h5 by their names, those of nested models in the group of the model', async () => {
    const inner = [
      kernel('block', 'b/kernel:0', 3),
      weight('block', 'b/bias:0', 4),
      weight('block', 'n/gamma:0', 5),
      weight('block', 'n/beta:0', 6),
      weight('block', 'n/moving_mean:0', 2),
      weight('block', 'n/moving_variance:0', 4),
    ];
    const own = [
      kernel('a', 'a/kernel:0', 1),
      weight('a', 'a/bias:0', 2),
      kernel('c', 'top/c/kernel', 7),
      weight('c', 'top/c/bias', 8),
      kernel('b', 'b/kernel:0', 9),
      weight('b', 'b/bias:0', 10),
    ];
    const bytes = await kerasH5(nested, [...own, ...inner]);
    assert.deepEqual(constants(await importModel(new Map([['m.h5', bytes]]))), found);
  });

  it('of a .h5 of renamed layers by their order: what training changes first, all of a frozen layer last', async () => {
    const model = sequential('top', [
      sequential('block', [norm('n', { trainable: false }), norm('m')], { build_input_shape: [null, 1] }),
    ]);
    const names = ['gamma', 'beta', 'mean', 'variance'];
    const order = [
      ['m', 'gamma'],
      ['m', 'beta'],
      ...names.map((name) => ['n', name]),
      ['m', 'mean'],
      ['m', 'variance'],
    ];
    const values: Readonly<Record<string, number>> = {
      'n gamma': 1,
      'n beta': 2,
      'n mean': 3,
      'n variance': 4,
      'm gamma': 5,
      'm beta': 6,
      'm mean': 7,
      'm variance': 1,
    };
    const weights = order.map(([layer, name], index) =>
      weight('block', `old_${index}/w:0`, values[`${layer ?? ''} ${name ?? ''}`] ?? NaN),
    );
    const bytes = await kerasH5(model, weights);
    assert.deepEqual(constants(await importModel(new Map([['m.h5', bytes]]))), {
      'block/n/scale': [0.5],
      'block/n/offset': [0.5],
      'block/m/scale': [5],
      'block/m/offset': [-29],
    });
  });

  it('of a .keras by class and number, those of nested models below the group of the model', async () => {
    const bytes = await kerasArchive(nested, [
      kernel('dense', '0', 1),
      weight('dense', '1', 2),
      kernel('sequential/layers/dense', '0', 3),
      weight('sequential/layers/dense', '1', 4),
      ...[5, 6, 2, 4].map((value, index) => weight('sequential/layers/batch_normalization', String(index), value)),
      kernel('dense_1', '0', 7),
      weight('dense_1', '1', 8),
      kernel('dense_2', '0', 9),
      weight('dense_2', '1', 10),
    ]);
    assert.deepEqual(constants(await importModel(new Map([['m.keras', bytes]]))), found);
  });

  it('of a layers-model in whatever way they are stored, over several shards and groups', async () => {
    const model = sequential('top', [
      dense('a', first),
      dense('b'),
      { class_name: 'Dense', config: { name: 'c', units: 3 } },
    ]);
    const entry = (name: string, shape: readonly number[], quantization?: object): object => ({
      name,
      shape,
      dtype: 'float32',
      ...(quantization === undefined ? {} : { quantization }),
    });
    const json = {
      modelTopology: { model_config: model, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
      weightsManifest: [
        {
          paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'],
          weights: [
            entry('a/kernel', [1, 1]),
            entry('a/bias', [1]),
            entry('b/kernel', [1, 1], { dtype: 'uint8', scale: 0.5, min: -3, original_dtype: 'float32' }),
            entry('b/bias', [1], { dtype: 'float16', original_dtype: 'float32' }),
          ],
        },
        {
          paths: ['group2.bin'],
          weights: [
            entry('c/kernel', [1, 3], { dtype: 'uint16', scale: 0.25, min: 1 }),
            entry('c/bias', [3], { dtype: 'float16' }),
          ],
        },
      ],
    };
    const group1 = Buffer.alloc(11);
    group1.writeFloatLE(1.5, 0);
    group1.writeFloatLE(-2, 4);
    group1.writeUInt8(9, 8);
    group1.writeUInt16LE(0xc100, 9);
    const group2 = Buffer.alloc(12);
    [0, 1, 65535].forEach((q, index) => group2.writeUInt16LE(q, 2 * index));
    // 1, the least number above 0, and the greatest.
    [0x3c00, 0x0001, 0x7bff].forEach((half, index) => group2.writeUInt16LE(half, 6 + 2 * index));
    const graph = await importModel(
      new Map<string, Uint8Array>([
        ['model.json', new TextEncoder().encode(JSON.stringify(json))],
        ['group1-shard1of2.bin', group1.subarray(0, 6)],
        ['group1-shard2of2.bin', group1.subarray(6)],
        ['group2.bin', group2],
      ]),
    );
    assert.deepEqual(constants(graph), {
      'a/kernel': [1.5],
      'a/bias': [-2],
      'b/kernel': [1.5],
      'b/bias': [-2.5],
      'c/kernel': [1, 1.25, 16384.75],
      'c/bias': [1, 2 ** -24, 65504],
    });
  });
});

describe('importModel refuses', () => {
  const model = sequential('m', [dense('a', first)]);
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const zip = (files: Readonly<Record<string, Uint8Array>>): Uint8Array =>
    appendZip(
      new Uint8Array(),
      Object.entries(files).map(([name, data]) => ({ name, data })),
    );
  /** An archive whose only file is packed, and says that it is `claimed` bytes long. */
  const packed = (data: Uint8Array, claimed: number): Uint8Array => {
    const small = deflateRawSync(data);
    const bytes = Buffer.from(zip({ 'config.json': small }));
    const directory = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bytes.writeUInt16LE(8, directory + 10);
    bytes.writeUInt32LE(claimed, directory + 24);
    return bytes;
  };
  const manifest = (weights: readonly object[]): Uint8Array =>
    text({ modelTopology: model, weightsManifest: [{ paths: ['w.bin'], weights }] });
  const cases: readonly (readonly [
    string,
    string,
    () => Uint8Array | Promise<Uint8Array>,
    'DATA_LOSS' | 'INVALID_ARGUMENT',
    RegExp,
  ])[] = [
    [
      'what is no archive',
      'm.keras',
      () => new Uint8Array(300),
      'INVALID_ARGUMENT',
      /it is no \.keras archive: config\.json is missing/,
    ],
    [
      'an archive without weights',
      'm.keras',
      () => zip({ 'config.json': text(model) }),
      'INVALID_ARGUMENT',
      /model\.weights\.h5 is missing in it/,
    ],
    [
      'an archive whose topology is no JSON',
      'm.keras',
      () => zip({ 'config.json': new Uint8Array(9), 'model.weights.h5': new Uint8Array(9) }),
      'DATA_LOSS',
      /its config\.json is not JSON/,
    ],
    [
      'an archive whose weights are none',
      'm.keras',
      () => zip({ 'config.json': text(model), 'model.weights.h5': new Uint8Array(90) }),
      'INVALID_ARGUMENT',
      /cannot import m\.keras\/model\.weights\.h5: it is not an HDF5 file/,
    ],
    [
      'an archive that says that it grows a thousandfold',
      'm.keras',
      () => packed(new Uint8Array(1e6), 4e9),
      'DATA_LOSS',
      /config\.json takes it over the limit/,
    ],
    [
      'an archive that grows more than it says',
      'm.keras',
      () => packed(new Uint8Array(1e6), 1000),
      'DATA_LOSS',
      /the archive is damaged/,
    ],
    [
      'an archive cut in half',
      'm.keras',
      async () => (await kerasArchive(model, [])).subarray(40),
      'DATA_LOSS',
      /the archive is damaged/,
    ],
    [
      'a weight that is not there',
      'm.keras',
      () => kerasArchive(model, []),
      'INVALID_ARGUMENT',
      /layer a \(Dense\) has no weight kernel in the file/,
    ],
    [
      'a weight of another shape',
      'm.h5',
      () => kerasH5(model, [weight('a', 'a/kernel:0', 1), weight('a', 'a/bias:0', 1)]),
      'INVALID_ARGUMENT',
      /layer a \(Dense\) has weight kernel of shape \[1\], not \[any, any\]/,
    ],
    [
      'a graph-model',
      'model.json',
      () => text({ format: 'graph-model' }),
      'INVALID_ARGUMENT',
      /it is a graph-model, which holds no layers/,
    ],
    [
      'a weight without a shape',
      'model.json',
      () => manifest([{ name: 'a/kernel', dtype: 'float32' }]),
      'INVALID_ARGUMENT',
      /a weight in its manifest has no name or shape/,
    ],
    [
      'a weight of an unknown type',
      'model.json',
      () => manifest([{ name: 'a/kernel', shape: [1, 1], dtype: 'string' }]),
      'INVALID_ARGUMENT',
      /weight "a\/kernel" is stored as "string"/,
    ],
    [
      'a weight of a size beyond all',
      'model.json',
      () => manifest([{ name: 'a/kernel', shape: [1e150, 1e150, 1e150], dtype: 'float32' }]),
      'DATA_LOSS',
      /its weights end at byte 8, "a\/kernel" needs Infinity/,
    ],
  ];
  for (const [name, file, bytes, code, message] of cases) {
    it(`${name}: ${String(message)}`, async () => {
      const files = new Map([
        [file, await bytes()],
        ['w.bin', new Uint8Array(8)],
      ]);
      await assert.rejects(
        importModel(files),
        (error) =>
          isAtollError(error, code) &&
          message.test(error.message) &&
          error.message.startsWith('cannot import m') &&
          !error.message.includes('\n'),
      );
    });
  }
});

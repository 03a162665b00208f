// Small whole models of every format, whose mutants the hostile-file tests read: little weight, much structure.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from '@atoll/tflite/write';
import { verify } from '../graph/verify.js';
import { importModel } from '../import/import-model.js';
import { kerasArchive, kerasH5 } from '../import/keras-files-for-tests.js';
import { readLayersModel } from '../import/layers-model.js';
import type { ModelFiles } from '../import/layers-model.js';
import { tinyModels } from '../ops-for-tests.js';
import { passes } from '../passes/passes.js';
import { layersModel } from '../test-models.js';
import type { LayerJson } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';

const conv = (name: string, filters: number, more: object = {}): LayerJson => ({
  class_name: 'Conv2D',
  config: { name, filters, kernel_size: [3, 3], strides: [1, 1], padding: 'valid', activation: 'relu', ...more },
});
const layers: readonly LayerJson[] = [
  conv('conv_1', 2, { batch_input_shape: [null, 8, 8, 3], dilation_rate: [1, 1], use_bias: true }),
  { class_name: 'MaxPooling2D', config: { name: 'pool', pool_size: [2, 2], strides: [2, 2], padding: 'valid' } },
  { class_name: 'Dropout', config: { name: 'dropout', rate: 0.2 } },
  conv('conv_2', 3, { activation: 'relu6' }),
  { class_name: 'Flatten', config: { name: 'flatten' } },
  { class_name: 'Dense', config: { name: 'dense', units: 3, activation: 'softmax', use_bias: true } },
];

/** The bases by kind; compiled `.tflite` files are there when the folder `coral` is. */
export async function hostileBases(coral: string): Promise<ReadonlyMap<string, readonly ModelFiles[]>> {
  const json = layersModel(layers, 5);
  const graph = passes.reduce((before, pass) => verify(pass.run(before), pass.name), await importModel(json));
  const names = existsSync(coral) ? readdirSync(coral) : [];
  const small = names.filter((name) => /^(split_concat|keras_lstm).*\.tflite$/.test(name));
  const tflite = (name: string, bytes: Uint8Array): ModelFiles => new Map([[name, bytes]]);
  return new Map<string, readonly ModelFiles[]>([
    ['layers-model', [json, functionalModel()]],
    ['tflite of a network', [tflite('m.tflite', writeModel(writeTfLite(graph)))]],
    ...(await kerasFiles(json)),
    ['tflite of one operation', tinyModels.map((tiny) => tflite('m.tflite', writeModel(writeTfLite(tiny.graph))))],
    ...(small.length === 0
      ? []
      : [['int8 and compiled tflite', small.map((name) => tflite(name, readFileSync(join(coral, name))))] as const]),
  ]);
}

/** A functional model: branches that join, a shared layer, a model in the model, and layers of every family. */
function functionalModel(): ModelFiles {
  const layer = (className: string, name: string, from: readonly string[], config: object = {}): object => ({
    class_name: className,
    name,
    config: { name, ...config },
    inbound_nodes: from.length === 0 ? [] : [from.map((source) => [source, 0, 0, {}])],
  });
  const input = (name: string, shape: readonly (number | null)[]): object =>
    layer('InputLayer', name, [], { batch_input_shape: shape });
  const image = [null, 8, 8, 2];
  const inner = {
    class_name: 'Functional',
    name: 'inner',
    config: {
      name: 'inner',
      layers: [input('inner_in', image), layer('ReLU', 'inner_relu', ['inner_in'], { max_value: 6 })],
      input_layers: [['inner_in', 0, 0]],
      output_layers: [['inner_relu', 0, 0]],
    },
    inbound_nodes: [[['scale', 0, 0, {}]]],
  };
  const kernel = { kernel_size: [3, 3], strides: [1, 1], padding: 'same', use_bias: true, activation: 'linear' };
  const layers = [
    input('left', image),
    input('right', image),
    layer('Rescaling', 'scale', ['left'], { scale: 0.5, offset: -1 }),
    inner,
    layer('Conv2D', 'conv', ['inner'], { ...kernel, filters: 2 }),
    layer('BatchNormalization', 'norm', ['conv'], { axis: [3], epsilon: 1e-3, center: true, scale: true }),
    layer('DepthwiseConv2D', 'depthwise', ['norm'], { ...kernel, depth_multiplier: 1 }),
    layer('LeakyReLU', 'leaky', ['depthwise'], { alpha: 0.1 }),
    layer('Add', 'sum', ['leaky', 'right']),
    layer('Multiply', 'product', ['sum', 'right']),
    layer('Concatenate', 'joined', ['sum', 'product'], { axis: -1 }),
    layer('ZeroPadding2D', 'padded', ['joined'], {
      padding: [
        [1, 1],
        [1, 1],
      ],
    }),
    layer('UpSampling2D', 'larger', ['padded'], { size: [2, 2], interpolation: 'nearest' }),
    layer('AveragePooling2D', 'smaller', ['larger'], { pool_size: [2, 2], strides: [2, 2], padding: 'valid' }),
    layer('Permute', 'turned', ['smaller'], { dims: [2, 1, 3] }),
    layer('GlobalAveragePooling2D', 'mean', ['turned'], { keepdims: false }),
    layer('Reshape', 'shaped', ['mean'], { target_shape: [4] }),
    layer('Dense', 'dense', ['shaped'], { units: 3, activation: 'softmax', use_bias: true }),
  ];
  const config = {
    name: 'branches',
    layers,
    input_layers: [
      ['left', 0, 0],
      ['right', 0, 0],
    ],
    output_layers: [['dense', 0, 0]],
  };
  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['conv/kernel', [3, 3, 2, 2]],
    ['conv/bias', [2]],
    ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => [`norm/${name}`, [2]] as const),
    ['depthwise/depthwise_kernel', [3, 3, 2, 1]],
    ['depthwise/bias', [2]],
    ['dense/kernel', [4, 3]],
    ['dense/bias', [3]],
  ];
  const count = shapes.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const weights = Float32Array.from({ length: count }, (_, at) => 0.1 + (at % 7) / 7);
  const model = {
    format: 'layers-model',
    modelTopology: { class_name: 'Functional', config },
    weightsManifest: [
      { paths: ['w.bin'], weights: shapes.map(([name, shape]) => ({ name, shape, dtype: 'float32' })) },
    ],
  };
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(model))],
    ['w.bin', new Uint8Array(weights.buffer)],
  ]);
}

/** The same model as Keras writes it: by layer and name in a `.h5`, by class and number in a `.keras`. */
async function kerasFiles(files: ModelFiles): Promise<readonly (readonly [string, readonly ModelFiles[]])[]> {
  const model = readLayersModel(files.get('model.json') ?? new Uint8Array(), files, 'model.json');
  const weights = model.topology.layers.flatMap((layer) =>
    ['kernel', 'bias'].flatMap((name, index) => {
      const weight = model.weight(layer, name);
      return weight === null ? [] : [{ layer: layer.name, name, index, shape: weight.shape, data: weight.read() }];
    }),
  );
  const topology = { class_name: 'Sequential', config: { name: 'reference', layers } };
  const groups = new Map([
    ['conv_1', 'conv2d'],
    ['conv_2', 'conv2d_1'],
    ['dense', 'dense'],
  ]);
  const named = weights.map((one) => ({ ...one, name: `${one.layer}/${one.name}:0` }));
  const numbered = weights.map((one) => ({ ...one, layer: groups.get(one.layer) ?? '', name: String(one.index) }));
  return [
    ['h5', [new Map([['m.h5', await kerasH5(topology, named)]])]],
    ['keras', [new Map([['m.keras', await kerasArchive(topology, numbered)]])]],
  ];
}

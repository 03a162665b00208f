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
    ['layers-model', [json]],
    ['tflite of a network', [tflite('m.tflite', writeModel(writeTfLite(graph)))]],
    ...(await kerasFiles(json)),
    ['tflite of one operation', tinyModels.map((tiny) => tflite('m.tflite', writeModel(writeTfLite(tiny.graph))))],
    ...(small.length === 0
      ? []
      : [['int8 and compiled tflite', small.map((name) => tflite(name, readFileSync(join(coral, name))))] as const]),
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

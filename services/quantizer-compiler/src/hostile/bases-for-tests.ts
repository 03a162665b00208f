// Small whole models of every format, whose mutants the hostile-file tests read: little weight, much structure.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { writeModel } from '@atoll/tflite/write';
import { File, FS, ready } from 'h5wasm';
import { verify } from '../graph/verify.js';
import { importModel } from '../import/import-model.js';
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
    ['h5', [new Map([['m.h5', await kerasH5(json)]])]],
    ['tflite of one operation', tinyModels.map((tiny) => tflite('m.tflite', writeModel(writeTfLite(tiny.graph))))],
    ...(small.length === 0
      ? []
      : [['int8 and compiled tflite', small.map((name) => tflite(name, readFileSync(join(coral, name))))] as const]),
  ]);
}

/** A `.h5` as Keras 2 lays it out. */
async function kerasH5(files: ModelFiles): Promise<Uint8Array> {
  await ready;
  const model = readLayersModel(files.get('model.json') ?? new Uint8Array(), files, 'model.json');
  const path = '/hostile-base.h5';
  const h5 = new File(path, 'w');
  h5.create_attribute(
    'model_config',
    JSON.stringify({ class_name: 'Sequential', config: { name: 'reference', layers } }),
  );
  const all = h5.create_group('model_weights');
  for (const { config } of layers) {
    const name = String(config['name']);
    const group = all.create_group(name);
    const found = ['kernel', 'bias'].flatMap((short) => {
      const weight = model.weight(name, short);
      return weight === null ? [] : [{ short, ...weight }];
    });
    group.create_attribute(
      'weight_names',
      found.map(({ short }) => `${name}/${short}:0`),
    );
    if (found.length === 0) continue;
    const inner = group.create_group(name);
    for (const { short, shape, data } of found) inner.create_dataset({ name: `${short}:0`, data, shape: [...shape] });
  }
  h5.close();
  const bytes = FS?.readFile(path);
  FS?.unlink(path);
  if (!(bytes instanceof Uint8Array)) throw new AtollError('INTERNAL', `cannot read ${path}: it was not written`);
  return bytes;
}

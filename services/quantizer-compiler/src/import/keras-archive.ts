// `.keras`: a zip of config.json (the topology), metadata.json and model.weights.h5, as Keras 2.13 to 2.15 and 3 write it. The
// weights of a layer are /layers/CLASS_N/vars/0, 1, ... : the class in snake case, numbered in each model from the second on;
// layers of a nested model lie below its group. Keras 3 also notes the layer's name at the group.
import { AtollError, reasonOf } from '@atoll/base/error';
import { readZip } from '@atoll/tflite/zip';
import { withHdf5 } from './hdf5-file.js';
import type { Hdf5File } from './hdf5-file.js';
import type { KerasLayer, KerasModel, KerasTopology } from './keras-model.js';
import { parseTopology } from './topology.js';
import { parseJson, record } from './topology-json.js';
import { weightNames } from './weight-names.js';

const weightsFile = 'model.weights.h5';

/** Reads a `.keras` file for as long as `use` runs; INVALID_ARGUMENT when it is none, DATA_LOSS when it is damaged. */
export async function withKerasArchive<T>(bytes: Uint8Array, file: string, use: (model: KerasModel) => T): Promise<T> {
  const entries = unpacked(bytes, file);
  const [config, weights] = [entries.get('config.json'), entries.get(weightsFile)];
  if (config === undefined) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: it is no .keras archive: config.json is missing`);
  }
  if (weights === undefined) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${weightsFile} is missing in it`);
  }
  const topology = parseTopology(parseJson(config, 'its config.json', file), file);
  const metadata = entries.get('metadata.json');
  const version = record(metadata && parseJson(metadata, 'its metadata.json', file))?.['keras_version'];
  const kerasVersion = typeof version === 'string' ? version : undefined;
  return await withHdf5(weights, `${file}/${weightsFile}`, (h5) => {
    const places = new Map<KerasLayer, string>();
    place(h5, topology, '', places);
    return use({
      file,
      kerasVersion,
      topology,
      weight: (layer, name) => weightAt(h5, places.get(layer) ?? '', layer, name),
    });
  });
}

/** The files of the archive; together they may not be much larger than it: Keras does not compress. */
function unpacked(bytes: Uint8Array, file: string): ReadonlyMap<string, Uint8Array> {
  try {
    const entries = readZip(bytes, file, 64 * 1024 * 1024 + 4 * bytes.length);
    const byName = new Map(entries.map(({ name, data }) => [name, data]));
    if (byName.size !== entries.length) throw new RangeError('two files have the same name');
    return byName;
  } catch (error) {
    const reason = reasonOf(error instanceof AtollError ? (error.cause ?? error) : error);
    throw new AtollError('DATA_LOSS', `cannot import ${file}: the archive is damaged: ${reason}`, { cause: error });
  }
}

/** Notes the group of every layer. */
function place(h5: Hdf5File, topology: KerasTopology, root: string, places: Map<KerasLayer, string>): void {
  const base = containers.map((name) => join(root, name)).find((path) => h5.names(path).length > 0);
  if (base === undefined) return;
  const byName = new Map<string, string>();
  for (const group of h5.names(base)) {
    const name = h5.text(join(base, `${group}/vars`), 'name');
    if (name !== undefined) byName.set(name, group);
  }
  const seen = new Map<string, number>();
  for (const layer of topology.layers) {
    // Functions of Keras 3 keep nothing and have no group; those of Keras 2 are numbered like layers.
    if (layer.isFunction && !layer.className.endsWith('OpLambda')) continue;
    const kind = snakeCase(layer.className);
    const count = seen.get(kind) ?? 0;
    seen.set(kind, count + 1);
    const path = join(base, byName.get(layer.name) ?? (count === 0 ? kind : `${kind}_${count}`));
    places.set(layer, path);
    if (layer.nested !== null) place(h5, layer.nested, path, places);
  }
}

/** Where the layers of a model lie: today, and in Keras before 2.14. */
const containers = ['layers', '_layer_checkpoint_dependencies'];

/** "SeparableConv2D" is separable_conv2d. Source: to_snake_case of Keras. */
function snakeCase(className: string): string {
  return className
    .replaceAll(/\W+/g, '')
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

function weightAt(h5: Hdf5File, group: string, layer: KerasLayer, name: string) {
  const parts = name.split('/');
  const all = weightNames(layer).map((one) => one.name);
  const own = parts.length === 1 ? all : all.filter((one) => one.startsWith(`${parts[0]}/`));
  const index = own.indexOf(name);
  if (group === '' || index === -1) return null;
  const folder = parts.length === 1 ? group : join(group, `${parts[0]}_layer`);
  // Recurrent layers keep their weights in a cell.
  return h5.weight(join(folder, `vars/${index}`)) ?? h5.weight(join(folder, `cell/vars/${index}`));
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

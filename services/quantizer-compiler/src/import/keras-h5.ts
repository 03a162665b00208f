// Keras 2 `.h5`: the topology is an attribute of the root, weights are datasets under /model_weights/LAYER. The file is opened
// by the HDF5 library as WebAssembly, inside its own file system: a damaged file cannot reach beyond it.
import { randomUUID } from 'node:crypto';
import { AtollError, reasonOf } from '@atoll/base/error';
import { Dataset, File, FS, Group, ready } from 'h5wasm';
import { refuseEndlessHeaps } from './check-hdf5.js';
import { parseTopology } from './keras-model.js';
import type { KerasModel, KerasWeight } from './keras-model.js';

/** Reads a Keras `.h5` file into memory whole; INVALID_ARGUMENT when it is none, DATA_LOSS when parts are missing. */
export async function readKerasH5(bytes: Uint8Array, file: string): Promise<KerasModel> {
  const signature = '89484446';
  if (Buffer.from(bytes.subarray(0, 4)).toString('hex') !== signature) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: it is not an HDF5 file`);
  }
  refuseEndlessHeaps(bytes, file);
  // Failures become exceptions instead of lines on standard error.
  (await ready).activate_throwing_error_handler();
  const path = `/${randomUUID()}.h5`;
  try {
    FS?.writeFile(path, bytes);
    const h5 = new File(path, 'r');
    try {
      return readModel(h5, file);
    } finally {
      h5.close();
    }
  } catch (error) {
    if (error instanceof AtollError) throw error;
    throw new AtollError(
      'DATA_LOSS',
      `cannot import ${file}: the HDF5 file is damaged: ${reasonOf(error).split('\n')[0]}`,
      {
        cause: error,
      },
    );
  } finally {
    if (FS?.analyzePath(path, false).exists === true) FS.unlink(path);
  }
}

function readModel(h5: File, file: string): KerasModel {
  const config = h5.attrs['model_config']?.value;
  if (typeof config !== 'string') {
    const why =
      h5.get('model_weights') === null && h5.attrs['layer_names'] === undefined
        ? 'it is not a Keras model'
        : 'it holds weights without a topology';
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
  }
  const topology = parseTopology(parseJson(config, file), file);
  const weights = new Map<string, ReadonlyMap<string, KerasWeight>>();
  for (const { name } of topology.layers) weights.set(name, layerWeights(h5, name, file));
  return { ...topology, file, weight: (layer, weight) => weights.get(layer)?.get(weight) ?? null };
}

function layerWeights(h5: File, layer: string, file: string): ReadonlyMap<string, KerasWeight> {
  const found = new Map<string, KerasWeight>();
  const group = h5.get(`model_weights/${layer}`);
  if (!(group instanceof Group)) return found;
  const names = group.attrs['weight_names']?.value;
  if (!Array.isArray(names)) return found;
  for (const name of names) {
    if (typeof name !== 'string') continue;
    const dataset = group.get(name);
    if (!(dataset instanceof Dataset)) {
      throw new AtollError('DATA_LOSS', `cannot import ${file}: weight ${name} of layer ${layer} is missing`);
    }
    found.set(shortName(name), { shape: dataset.shape ?? [], data: floats(dataset.value, name, file) });
  }
  return found;
}

/** "conv2d/kernel:0" is "kernel". */
function shortName(name: string): string {
  return (name.split('/').at(-1) ?? name).replace(/:\d+$/, '');
}

function floats(value: unknown, name: string, file: string): Float32Array {
  if (value instanceof Float32Array) return value;
  if (value instanceof Float64Array) return Float32Array.from(value);
  throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: weight ${name} does not hold floats`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot import ${file}: its topology is not JSON: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

// Model files as Keras writes them, made without it.
import { randomUUID } from 'node:crypto';
import { AtollError } from '@atoll/base/error';
import { appendZip } from '@atoll/tflite/zip';
import { File, FS, ready } from 'h5wasm';

/** A weight: in a `.h5` by layer and name, in a `.keras` by the group of the layer and its number there. */
export interface StoredWeight {
  readonly layer: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A `.h5`: the topology at the root, weights as /model_weights/LAYER/NAME. */
export async function kerasH5(topology: object, weights: readonly StoredWeight[]): Promise<Uint8Array> {
  return await hdf5((h5) => {
    h5.create_attribute('model_config', JSON.stringify(topology));
    h5.create_group('model_weights');
    for (const layer of new Set(weights.map((weight) => weight.layer))) {
      const own = weights.filter((weight) => weight.layer === layer);
      makeGroups(h5, `model_weights/${layer}`).create_attribute(
        'weight_names',
        own.map(({ name }) => name),
      );
      for (const weight of own) put(h5, `model_weights/${layer}/${weight.name}`, weight);
    }
  });
}

/** A `.keras`: config.json and model.weights.h5 in an archive; weights lie at /layers/LAYER/vars/NAME. */
export async function kerasArchive(topology: object, weights: readonly StoredWeight[]): Promise<Uint8Array> {
  const h5 = await hdf5((file) => {
    for (const weight of weights) put(file, `layers/${weight.layer}/vars/${weight.name}`, weight);
  });
  const text = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return appendZip(new Uint8Array(), [
    { name: 'metadata.json', data: text({ keras_version: '3.0.0' }) },
    { name: 'config.json', data: text(topology) },
    { name: 'model.weights.h5', data: h5 },
  ]);
}

async function hdf5(fill: (h5: File) => void): Promise<Uint8Array> {
  await ready;
  const path = `/${randomUUID()}.h5`;
  const h5 = new File(path, 'w');
  fill(h5);
  h5.close();
  const bytes = FS?.readFile(path);
  FS?.unlink(path);
  if (!(bytes instanceof Uint8Array)) throw new AtollError('INTERNAL', `cannot read ${path}: it was not written`);
  return bytes;
}

function put(h5: File, path: string, { shape, data }: StoredWeight): void {
  const cut = path.lastIndexOf('/');
  makeGroups(h5, path.slice(0, cut)).create_dataset({ name: path.slice(cut + 1), data, shape: [...shape] });
}

function makeGroups(h5: File, path: string) {
  let group = h5.get('/');
  for (const name of path.split('/')) {
    if (group === null || !('create_group' in group)) throw new RangeError(`${path} is no group`);
    group = group.get(name) ?? group.create_group(name);
  }
  if (group === null || !('create_dataset' in group)) throw new RangeError(`${path} is no group`);
  return group;
}

/** A layers-model with its weights in one shard; the name of a weight is LAYER/NAME. */
export function layersModelFiles(topology: object, weights: readonly StoredWeight[]): ReadonlyMap<string, Uint8Array> {
  const manifest = weights.map(({ layer, name, shape }) => ({ name: `${layer}/${name}`, shape, dtype: 'float32' }));
  const json = {
    format: 'layers-model',
    modelTopology: topology,
    weightsManifest: [{ paths: ['w.bin'], weights: manifest }],
  };
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['w.bin', Buffer.concat(weights.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))],
  ]);
}

// TensorFlow.js layers-model: model.json with the topology and a manifest of weights, whose bytes lie one after another in
// shards beside it.
import { AtollError, reasonOf } from '@atoll/base/error';
import { elementCount } from '../graph/graph.js';
import { parseTopology, record } from './keras-model.js';
import type { KerasModel, KerasWeight } from './keras-model.js';

/** Files of a model by name; a shard is looked up by the name that the manifest gives it. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** Reads model.json and the shards that it names. */
export function readLayersModel(json: Uint8Array, files: ModelFiles, file: string): KerasModel {
  const document = record(parse(json, file)) ?? {};
  const topology = parseTopology(document['modelTopology'], file);
  const weights = new Map<string, KerasWeight>();
  const groups: unknown[] = Array.isArray(document['weightsManifest']) ? document['weightsManifest'] : [];
  for (const group of groups) readGroup(group, files, file, weights);
  return {
    ...topology,
    file,
    weight: (layer, weight) => weights.get(`${layer}/${weight}`) ?? null,
  };
}

function readGroup(value: unknown, files: ModelFiles, file: string, weights: Map<string, KerasWeight>): void {
  const group = record(value) ?? {};
  const paths: unknown[] = Array.isArray(group['paths']) ? group['paths'] : [];
  const shards = paths.map((path) => {
    const bytes = typeof path === 'string' ? files.get(path) : undefined;
    if (bytes === undefined) {
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot import ${file}: its weight file ${JSON.stringify(path)} is missing`,
      );
    }
    return bytes;
  });
  const bytes = Buffer.concat(shards);
  const entries: unknown[] = Array.isArray(group['weights']) ? group['weights'] : [];
  let at = 0;
  for (const entry of entries) {
    const { name, shape, dtype, quantization } = record(entry) ?? {};
    if (typeof name !== 'string' || !isShape(shape)) {
      throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: a weight in its manifest has no name or shape`);
    }
    if (dtype !== 'float32' || quantization !== undefined) {
      throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: weight ${name} is not plain float32`);
    }
    const sizeBytes = 4 * elementCount(shape);
    if (at + sizeBytes > bytes.length) {
      throw new AtollError(
        'DATA_LOSS',
        `cannot import ${file}: its weights end at byte ${bytes.length}, ${name} needs ${at + sizeBytes}`,
      );
    }
    const data = new Float32Array(Uint8Array.from(bytes.subarray(at, at + sizeBytes)).buffer);
    weights.set(name.replace(/:\d+$/, ''), { shape, data });
    at += sizeBytes;
  }
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => typeof size === 'number' && Number.isInteger(size) && size > 0);
}

function parse(json: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(json));
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: it is not JSON: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

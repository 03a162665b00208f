// TensorFlow.js layers-model: model.json with the topology and a manifest of weights, whose bytes lie one after another in
// shards beside it. Weights may be stored as 8 or 16 bit numbers with scale and minimum, or as float16.
import { AtollError } from '@atoll/base/error';
import { elementCount } from '../graph/graph.js';
import { halfToFloat } from '../passes/evaluate/half.js';
import type { KerasModel } from './keras-model.js';
import { NamedWeights } from './named-weights.js';
import type { NamedWeight } from './named-weights.js';
import { parseTopology } from './topology.js';
import { list, parseJson, quoted, record, shapeOf } from './topology-json.js';

/** Files of a model by name; a shard is looked up by the name that the manifest gives it. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** Reads model.json and the shards that it names. */
export function readLayersModel(json: Uint8Array, files: ModelFiles, file: string): KerasModel {
  const document = record(parseJson(json, 'it', file)) ?? {};
  if (document['format'] === 'graph-model') {
    throw invalid(
      file,
      'it is a graph-model, which holds no layers; a layers-model, .h5, .keras or float .tflite is needed',
    );
  }
  const topology = parseTopology(document['modelTopology'], file);
  const entries = (list(document['weightsManifest']) ?? []).flatMap((group) => readGroup(group, files, file));
  const weights = new NamedWeights(entries, topology.layers);
  const version = record(document['modelTopology'])?.['keras_version'];
  const kerasVersion = typeof version === 'string' ? version : undefined;
  return { file, kerasVersion, topology, weight: (layer, name) => weights.find(layer, name) };
}

function readGroup(value: unknown, files: ModelFiles, file: string): readonly NamedWeight[] {
  const group = record(value) ?? {};
  const shards = (list(group['paths']) ?? []).map((path) => {
    const bytes = typeof path === 'string' ? files.get(path) : undefined;
    if (bytes === undefined) throw invalid(file, `its weight file ${quoted(path)} is missing`);
    return bytes;
  });
  const sizeBytes = shards.reduce((sum, shard) => sum + shard.length, 0);
  let at = 0;
  return (list(group['weights']) ?? []).map((entry) => {
    const { name, shape: written, dtype, quantization } = record(entry) ?? {};
    const shape = shapeOf(written);
    if (typeof name !== 'string' || shape === undefined)
      throw invalid(file, 'a weight in its manifest has no name or shape');
    const storage = storageOf(dtype, quantization);
    if (storage === undefined) {
      const found = quantization === undefined ? quoted(dtype) : quoted(quantization);
      throw invalid(
        file,
        `weight ${quoted(name)} is stored as ${found}; float32, float16, uint8 and uint16 are supported`,
      );
    }
    const start = at;
    at += elementCount(shape) * storage.sizeBytes;
    if (!(at <= sizeBytes)) {
      const why = `its weights end at byte ${sizeBytes}, ${quoted(name)} needs ${at}`;
      throw new AtollError('DATA_LOSS', `cannot import ${file}: ${why}`);
    }
    return { name, shape, read: () => storage.decode(bytesOf(shards, start, elementCount(shape) * storage.sizeBytes)) };
  });
}

interface Storage {
  readonly sizeBytes: number;
  readonly decode: (bytes: Uint8Array) => Float32Array;
}

function storageOf(dtype: unknown, quantization: unknown): Storage | undefined {
  const { dtype: stored, scale, min } = record(quantization) ?? {};
  const kind = quantization === undefined || quantization === null ? dtype : stored;
  const real = (q: number): number => q * Number(scale) + Number(min);
  switch (kind) {
    case 'float32':
      return { sizeBytes: 4, decode: (bytes) => new Float32Array(bytes.buffer) };
    case 'int32':
      return { sizeBytes: 4, decode: (bytes) => Float32Array.from(new Int32Array(bytes.buffer)) };
    case 'float16':
      return { sizeBytes: 2, decode: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), halfToFloat) };
    case 'uint8':
    case 'uint16': {
      if (typeof scale !== 'number' || typeof min !== 'number') return undefined;
      return kind === 'uint8'
        ? { sizeBytes: 1, decode: (bytes) => Float32Array.from(bytes, real) }
        : { sizeBytes: 2, decode: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), real) };
    }
    default:
      return undefined;
  }
}

/** A copy of part of the bytes of several shards, at the start of a buffer of its own. */
function bytesOf(shards: readonly Uint8Array[], start: number, length: number): Uint8Array {
  const part = new Uint8Array(length);
  let begin = 0;
  for (const shard of shards) {
    const [from, to] = [Math.max(start, begin), Math.min(start + length, begin + shard.length)];
    if (from < to) part.set(shard.subarray(from - begin, to - begin), from - start);
    begin += shard.length;
  }
  return part;
}

function invalid(file: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
}

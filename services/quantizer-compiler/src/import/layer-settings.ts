import { AtollError } from '@atoll/base/error';
import { elementCount } from '../graph/graph.js';
import type { KerasLayer, KerasModel } from './keras-model.js';
import { list, quoted, record } from './topology-json.js';
import type { JsonObject } from './topology-json.js';

/** Sizes of kernels, strides and the like are int32 in a .tflite. */
const maxSize = 2 ** 31 - 1;

/** Checked access to one layer's settings and weights; every refusal names file, layer and setting. */
export class LayerSettings {
  readonly #model: KerasModel;
  readonly layer: KerasLayer;
  readonly #config: JsonObject;

  constructor(model: KerasModel, layer: KerasLayer, config = layer.config) {
    this.#model = model;
    this.layer = layer;
    this.#config = config;
  }

  /** The error for this layer, ready to throw. */
  fault(why: string): AtollError {
    const { path, className } = this.layer;
    return new AtollError('INVALID_ARGUMENT', `cannot import ${this.#model.file}: layer ${path} (${className}) ${why}`);
  }

  /**
   * Whether Keras 3 wrote the model. A file that does not name its version shows it by the type of a layer's numbers, which
   * later versions of Keras 3 write as an object; Keras 2 does so for mixed precision alone, under another name.
   */
  get isKeras3(): boolean {
    const { kerasVersion } = this.#model;
    if (kerasVersion !== undefined) return kerasVersion.startsWith('3.');
    const type = record(this.setting('dtype'))?.['class_name'];
    return typeof type === 'string' && type.endsWith('DTypePolicy');
  }

  /** The setting as written. */
  setting(key: string): unknown {
    return this.#config[key] ?? undefined;
  }

  /** A whole number of at least 1. */
  size(key: string, fallback?: number): number {
    const value = this.setting(key) ?? fallback;
    if (isSize(value)) return value;
    throw this.fault(`has ${key} ${quoted(value)}, not a whole number above 0`);
  }

  /** Height and width, given as two numbers or one for both. */
  pair(key: string, fallback?: readonly [number, number]): readonly [number, number] {
    const value = this.setting(key) ?? fallback;
    const [first, second, third] = list(value) ?? [value, value];
    if (isSize(first) && isSize(second) && third === undefined) return [first, second];
    throw this.fault(`has ${key} ${quoted(value)}, not two whole numbers above 0`);
  }

  /** A size along the only axis, given as a number or a list of one. */
  single(key: string, fallback?: number): number {
    const value = this.setting(key) ?? fallback;
    const items = list(value) ?? [value];
    if (items.length === 1 && isSize(items[0])) return items[0];
    throw this.fault(`has ${key} ${quoted(value)}, not a whole number above 0`);
  }

  /** A number. */
  number(key: string, fallback: number): number {
    const value = this.setting(key) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.fault(`has ${key} ${quoted(value)}, not a number`);
  }

  /** A number, or null where the layer leaves it open. */
  optionalNumber(key: string): number | null {
    return this.setting(key) === undefined ? null : this.number(key, 0);
  }

  /** A number or a flat list of numbers. */
  numbers(key: string, fallback: number): Float32Array {
    const value = this.setting(key) ?? fallback;
    const found = numbersIn(value);
    if (found === null) throw this.fault(`has ${key} ${quoted(value)}, not numbers`);
    return found;
  }

  /** True only when the setting says so. */
  flag(key: string): boolean {
    return this.setting(key) === true;
  }

  /** One of a set of words; anything else is refused. */
  word<const W extends string>(key: string, fallback: W, words: readonly W[]): W {
    const value = this.setting(key) ?? fallback;
    const found = words.find((one) => one === value);
    if (found === undefined) throw this.fault(`has ${key} ${quoted(value)}; ${words.join(', ')} are supported`);
    return found;
  }

  /** Refuses a setting that asks for more than the compiler does. */
  refuseUnless(holds: boolean, why: string): void {
    if (!holds) throw this.fault(why);
  }

  /** A weight that must be there, its shape as given; null leaves a size open. */
  weight(
    name: string,
    expected: readonly (number | null)[],
  ): { readonly shape: readonly number[]; readonly data: Float32Array } {
    const found = this.#model.weight(this.layer, name);
    if (found === null) throw this.fault(`has no weight ${name} in the file`);
    const { shape } = found;
    const fits =
      shape.length === expected.length && shape.every((size, axis) => size > 0 && size === (expected[axis] ?? size));
    if (!fits) {
      const wanted = expected.map((size) => size ?? 'any').join(', ');
      throw this.fault(`has weight ${name} of shape [${shape.join(', ')}], not [${wanted}]`);
    }
    const data = found.read();
    if (data.length !== elementCount(shape)) throw this.fault(`has ${data.length} values in weight ${name}`);
    if (!allFinite(data)) throw this.fault(`has values in weight ${name} that are no finite numbers`);
    return { shape, data };
  }

  /** The shape of a weight of any shape. */
  weightShape(name: string): readonly number[] {
    const found = this.#model.weight(this.layer, name);
    if (found === null) throw this.fault(`has no weight ${name} in the file`);
    return found.shape;
  }

  /** The bias, or zeros when the layer has none. */
  bias(channels: number, name = 'bias'): Float32Array {
    return this.setting('use_bias') === false ? new Float32Array(channels) : this.weight(name, [channels]).data;
  }

  /** The same layer and its weights with the settings of what it wraps. */
  withConfig(config: JsonObject): LayerSettings {
    return new LayerSettings(this.#model, this.layer, config);
  }
}

/** A number less itself is 0, unless it is infinite or none. */
function allFinite(data: Float32Array): boolean {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum += (data[at] as number) - (data[at] as number);
  return sum === 0;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= maxSize;
}

/** Numbers as written: one, a list, or an array that was written with its type. */
export function numbersIn(value: unknown): Float32Array | null {
  if (typeof value === 'number' && Number.isFinite(value)) return Float32Array.of(value);
  const inner = record(value);
  if (inner !== undefined) return numbersIn(inner['value'] ?? record(inner['config'])?.['value']);
  const items = list(value)?.flat(8);
  if (items === undefined || items.length === 0) return null;
  return items.every((item) => typeof item === 'number' && Number.isFinite(item)) ? Float32Array.from(items) : null;
}

import { AtollError } from '@atoll/base/error';
import type { KerasLayer, KerasModel, KerasWeight } from './keras-model.js';

/** Checked access to one layer's settings and weights; every refusal names file, layer and setting. */
export class LayerSettings {
  readonly #model: KerasModel;
  readonly layer: KerasLayer;

  constructor(model: KerasModel, layer: KerasLayer) {
    this.#model = model;
    this.layer = layer;
  }

  /** The error for this layer, ready to throw. */
  fault(why: string): AtollError {
    const { name, className } = this.layer;
    return new AtollError('INVALID_ARGUMENT', `cannot import ${this.#model.file}: layer ${name} (${className}) ${why}`);
  }

  /** A whole number of at least 1. */
  size(key: string): number {
    const value = this.layer.config[key];
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    throw this.fault(`has ${key} ${JSON.stringify(value)}, not a whole number above 0`);
  }

  /** Height and width, given as two numbers or one for both. */
  pair(key: string, fallback?: readonly [number, number]): readonly [number, number] {
    const value = this.layer.config[key] ?? fallback;
    const [first, second] = Array.isArray(value) ? (value as unknown[]) : [value, value];
    if (typeof first === 'number' && typeof second === 'number' && first > 0 && second > 0) return [first, second];
    throw this.fault(`has ${key} ${JSON.stringify(value)}, not two numbers above 0`);
  }

  /** A number. */
  number(key: string, fallback: number): number {
    const value = this.layer.config[key] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.fault(`has ${key} ${JSON.stringify(value)}, not a number`);
  }

  /** One of a set of words; anything else is refused. */
  word<const W extends string>(key: string, fallback: W, words: readonly W[]): W {
    const value = this.layer.config[key] ?? fallback;
    const found = words.find((one) => one === value);
    if (found === undefined) throw this.fault(`has ${key} ${JSON.stringify(value)}; ${words.join(', ')} are supported`);
    return found;
  }

  /** A weight that must be there, of a given rank. */
  weight(name: string, rank: number): KerasWeight {
    const found = this.#model.weight(this.layer.name, name);
    if (found === null) throw this.fault(`has no weight ${name} in the file`);
    if (found.shape.length !== rank) throw this.fault(`has weight ${name} of shape [${found.shape.join(', ')}]`);
    return found;
  }

  /** The bias, or zeros when the layer has none. */
  bias(channels: number): Float32Array {
    if (this.layer.config['use_bias'] === false) return new Float32Array(channels);
    const { data } = this.weight('bias', 1);
    if (data.length !== channels) throw this.fault(`has a bias of ${data.length} values for ${channels} channels`);
    return data;
  }
}

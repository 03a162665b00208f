import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import type { Graph, Op, Value } from './graph.js';
import { UniqueNames } from './unique-names.js';

/** Collects values and operations in order, and gives a graph; value names are made unique on the way. */
export class GraphBuilder {
  readonly #values: Value[] = [];
  readonly #ops: Op[] = [];
  readonly #names = new UniqueNames();

  /** Adds a value and gives its index. */
  value(value: Value): number {
    this.#values.push({ ...value, name: this.#names.take(value.name) });
    return this.#values.length - 1;
  }

  /** Adds a float activation. */
  activation(name: string, shape: readonly number[]): number {
    return this.value({ name, type: 'float32', shape, data: null, quantization: null });
  }

  /** Adds a float constant. */
  floats(name: string, shape: readonly number[], data: Float32Array): number {
    return this.value({ name, type: 'float32', shape, data, quantization: null });
  }

  /** Adds a vector of whole numbers: shapes, axes, paddings. */
  ints(name: string, shape: readonly number[], data: readonly number[]): number {
    return this.value({ name, type: 'int32', shape, data: Int32Array.from(data), quantization: null });
  }

  /** Adds an operation. */
  op(kind: BuiltinName, inputs: readonly number[], outputs: readonly number[], options: OperatorOptions | null): void {
    this.#ops.push({ kind, inputs, outputs, options });
  }

  /** The number of values so far: the index of the next one. */
  get size(): number {
    return this.#values.length;
  }

  /** The value at an index that this builder gave. */
  at(index: number): Value {
    const value = this.#values[index];
    if (value === undefined) throw new RangeError(`the builder has no value ${index}`);
    return value;
  }

  /** Gives a value another name, made unique as well; the old one is free again. */
  rename(index: number, name: string): void {
    const value = this.at(index);
    this.#names.release(value.name);
    this.#values[index] = { ...value, name: this.#names.take(name) };
  }

  /** The graph so far. */
  build(name: string, inputs: readonly number[], outputs: readonly number[]): Graph {
    return { name, values: [...this.#values], ops: [...this.#ops], inputs, outputs };
  }
}

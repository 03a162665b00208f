// What the importers of layers build with: operations named after the layer, with the shapes that follow from their inputs.
import { isAtollError } from '@atoll/base/error';
import { activations } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import { elementCount } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';
import { outputShapes } from '../graph/shapes.js';
import type { LayerSettings } from './layer-settings.js';

/** A tensor of 1 GB, and more operations than any model in use has: what asks for more is a mistake or an attack. */
const maxElements = 2 ** 28;
const maxValues = 200_000;

/** Arithmetic of two values. */
export type BinaryKind = 'ADD' | 'SUB' | 'MUL' | 'MAXIMUM' | 'MINIMUM';

/** Adds the operations of one layer to a graph. */
export class LayerOps {
  readonly #builder: GraphBuilder;
  readonly #layer: LayerSettings;
  /** Constants of the whole import by name: a layer that is called again uses its own again. */
  readonly #constants: Map<string, number>;

  constructor(builder: GraphBuilder, layer: LayerSettings, constants: Map<string, number>) {
    this.#builder = builder;
    this.#layer = layer;
    this.#constants = constants;
  }

  /** The shape of a value. */
  shape(index: number): readonly number[] {
    return this.#builder.at(index).shape;
  }

  /** A constant that belongs to the layer, computed once however often the layer is called. */
  floats(name: string, shape: readonly number[], data: () => Float32Array): number {
    const full = this.#name(name);
    const index = this.#constants.get(full) ?? this.#builder.floats(full, shape, checked(data(), shape, this.#layer));
    this.#constants.set(full, index);
    return index;
  }

  /** An int32 operand: a shape, axes, margins. */
  ints(name: string, values: readonly number[], shape: readonly number[] = [values.length]): number {
    return this.#builder.ints(this.#name(name), shape, values);
  }

  /** Adds an operation with one output. */
  add(
    kind: BuiltinName,
    inputs: readonly number[],
    options: OperatorOptions | null,
    name = kind.toLowerCase(),
  ): number {
    const [output] = this.addMany(kind, inputs, options, name);
    if (output === undefined) throw new RangeError(`${kind} gives nothing`);
    return output;
  }

  /** Adds an operation with all its outputs. */
  addMany(
    kind: BuiltinName,
    inputs: readonly number[],
    options: OperatorOptions | null,
    name: string,
  ): readonly number[] {
    const outputs = this.#shapes(kind, inputs, options).map((shape) =>
      this.#builder.activation(this.#name(name), shape),
    );
    if ((outputs[0] ?? 0) > maxValues) throw this.#layer.fault(`makes the model larger than ${maxValues} tensors`);
    this.#builder.op(kind, inputs, outputs, options);
    return outputs;
  }

  /** a + b and the like. */
  binary(kind: BinaryKind, a: number, b: number, name?: string): number {
    return this.add(kind, [a, b], binaryOptions(kind), name);
  }

  /** x * factor. */
  scaled(input: number, factor: number, name: string): number {
    return this.binary('MUL', input, this.#scalar(name, factor));
  }

  /** x + constant. */
  shifted(input: number, constant: number, name: string): number {
    return this.binary('ADD', input, this.#scalar(name, constant));
  }

  /** The smaller or larger of x and a constant. */
  bounded(kind: 'MINIMUM' | 'MAXIMUM', input: number, bound: number, name: string): number {
    return this.binary(kind, input, this.#scalar(name, bound));
  }

  #scalar(name: string, value: number): number {
    return this.floats(name, [1], () => Float32Array.of(value));
  }

  /** The same elements in another shape; the value itself when the shape is already right. */
  reshape(input: number, shape: readonly number[], name = 'reshape'): number {
    if (this.shape(input).join() === shape.join()) return input;
    const target = this.ints('shape', shape);
    return this.add('RESHAPE', [input, target], { type: 'ReshapeOptions', newShape: shape }, name);
  }

  #name(name: string): string {
    return name === '' ? this.#layer.layer.path : `${this.#layer.layer.path}/${name}`;
  }

  #shapes(
    kind: BuiltinName,
    inputs: readonly number[],
    options: OperatorOptions | null,
  ): readonly (readonly number[])[] {
    const values = inputs.map((index) => this.#builder.at(index));
    const after = `cannot follow an input of shape [${values.find(({ type }) => type === 'float32')?.shape.join(', ') ?? ''}]`;
    try {
      const shapes = outputShapes({ kind, options }, values);
      if (shapes === null || shapes.some((shape) => shape.some((size) => size < 1))) throw this.#layer.fault(after);
      if (shapes.some((shape) => !(elementCount(shape) <= maxElements))) {
        throw this.#layer.fault(
          `makes a tensor of shape [${shapes[0]?.join(', ') ?? ''}]: more than ${maxElements} values`,
        );
      }
      return shapes;
    } catch (error) {
      if (!isAtollError(error, 'INVALID_ARGUMENT') || error.message.startsWith('cannot import')) throw error;
      throw this.#layer.fault(`${after}: ${error.message.replace(/^.*?: /, '')}`);
    }
  }
}

function checked(data: Float32Array, shape: readonly number[], layer: LayerSettings): Float32Array {
  if (data.length !== elementCount(shape)) {
    throw layer.fault(`has ${data.length} values where a shape of [${shape.join(', ')}] is needed`);
  }
  return data;
}

function binaryOptions(kind: BinaryKind): OperatorOptions {
  const activation = activations.NONE;
  switch (kind) {
    case 'ADD':
      return { type: 'AddOptions', activation, potScaleInt16: true };
    case 'SUB':
      return { type: 'SubOptions', activation, potScaleInt16: true };
    case 'MUL':
      return { type: 'MulOptions', activation };
    case 'MAXIMUM':
    case 'MINIMUM':
      return { type: 'MaximumMinimumOptions' };
  }
}

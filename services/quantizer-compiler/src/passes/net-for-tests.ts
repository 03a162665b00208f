// Small networks for the tests of the passes, a line a layer, with weights from a seed.
import { activations, paddings } from '@atoll/tflite/enums';
import type { Activation, Padding } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import { elementCount } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { outputShape } from '../graph/shapes.js';
import { verify } from '../graph/verify.js';
import { seededRandom } from '../test-models.js';

interface Window {
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: Padding;
  readonly activation?: Activation;
  readonly bias?: boolean;
  readonly dilation?: number;
}

/** Builds a graph; every method adds operations and gives the index of what they make. */
export class Net {
  readonly builder = new GraphBuilder();
  readonly #random: () => number;
  readonly #inputs: number[] = [];

  constructor(seed = 1) {
    this.#random = seededRandom(seed);
  }

  random(): number {
    return this.#random();
  }

  input(name: string, shape: readonly number[]): number {
    const input = this.builder.activation(name, shape);
    this.#inputs.push(input);
    return input;
  }

  shape(index: number): readonly number[] {
    return this.builder.at(index).shape;
  }

  /** A constant with uniform values in [low, high). */
  uniform(name: string, shape: readonly number[], low: number, high: number): number {
    const data = Float32Array.from({ length: elementCount(shape) }, () => low + (high - low) * this.#random());
    return this.builder.floats(name, shape, data);
  }

  floats(name: string, data: readonly number[], shape: readonly number[] = [data.length]): number {
    return this.builder.floats(name, shape, Float32Array.from(data));
  }

  /** Any operation with one output. */
  op(name: string, kind: BuiltinName, inputs: readonly number[], options: OperatorOptions | null = null): number {
    const values = inputs.map((index) => this.builder.at(index));
    const shape = outputShape({ kind, options }, values);
    if (shape === null) throw new RangeError(`the shape of ${name} is not known`);
    const output = this.builder.activation(name, shape);
    this.builder.op(kind, inputs, [output], options);
    return output;
  }

  conv(name: string, input: number, filters: number, window: Window = {}): number {
    const { kernel = 3, bias = true } = window;
    const depth = this.shape(input).at(-1) ?? 1;
    const reach = 1.7 / Math.sqrt(kernel * kernel * depth);
    const weights = this.uniform(`${name}/kernel`, [filters, kernel, kernel, depth], -reach, reach);
    const biases = bias ? [this.uniform(`${name}/bias`, [filters], -0.2, 0.2)] : [];
    return this.op(name, 'CONV_2D', [input, weights, ...biases], {
      type: 'Conv2DOptions',
      ...windowOptions(window),
      quantizedBiasType: 0,
    });
  }

  depthwise(name: string, input: number, window: Window = {}, multiplier = 1): number {
    const { kernel = 3, bias = true } = window;
    const channels = (this.shape(input).at(-1) ?? 1) * multiplier;
    const weights = this.uniform(`${name}/kernel`, [1, kernel, kernel, channels], -1.7 / kernel, 1.7 / kernel);
    const biases = bias ? [this.uniform(`${name}/bias`, [channels], -0.2, 0.2)] : [];
    return this.op(name, 'DEPTHWISE_CONV_2D', [input, weights, ...biases], {
      type: 'DepthwiseConv2DOptions',
      ...windowOptions(window),
      depthMultiplier: multiplier,
    });
  }

  transposeConv(name: string, input: number, filters: number, stride = 2, bias = true): number {
    const [, height = 1, width = 1, depth = 1] = this.shape(input);
    const size = this.builder.ints(`${name}/shape`, [4], [1, height * stride, width * stride, filters]);
    const weights = this.uniform(`${name}/kernel`, [filters, 3, 3, depth], -0.5, 0.5);
    const biases = bias ? [this.uniform(`${name}/bias`, [filters], -0.2, 0.2)] : [];
    const { dilationW: _w, dilationH: _h, ...options } = windowOptions({ stride, padding: 'SAME' });
    return this.op(name, 'TRANSPOSE_CONV', [size, weights, input, ...biases], {
      type: 'TransposeConvOptions',
      ...options,
      quantizedBiasType: 0,
    });
  }

  dense(name: string, input: number, units: number, activation: Activation = 'NONE', bias = true): number {
    const depth = this.shape(input).at(-1) ?? 1;
    const reach = 1.7 / Math.sqrt(depth);
    const weights = this.uniform(`${name}/kernel`, [units, depth], -reach, reach);
    const biases = bias ? [this.uniform(`${name}/bias`, [units], -0.2, 0.2)] : [];
    return this.op(name, 'FULLY_CONNECTED', [input, weights, ...biases], {
      type: 'FullyConnectedOptions',
      activation: activations[activation],
      weightsFormat: 0,
      keepNumDims: false,
      asymmetricQuantizeInputs: false,
      quantizedBiasType: 0,
    });
  }

  mul(name: string, a: number, b: number): number {
    return this.op(name, 'MUL', [a, b], { type: 'MulOptions', activation: activations.NONE });
  }

  add(name: string, a: number, b: number): number {
    return this.op(name, 'ADD', [a, b], { type: 'AddOptions', activation: activations.NONE, potScaleInt16: true });
  }

  sub(name: string, a: number, b: number): number {
    return this.op(name, 'SUB', [a, b], { type: 'SubOptions', activation: activations.NONE, potScaleInt16: true });
  }

  div(name: string, a: number, b: number): number {
    return this.op(name, 'DIV', [a, b], { type: 'DivOptions', activation: activations.NONE });
  }

  /** Batch normalization as the importers give it: a factor and an addend for each channel. */
  batchNorm(name: string, input: number, lowestFactor = 0.3): number {
    const channels = this.shape(input).at(-1) ?? 1;
    const factors = this.uniform(`${name}/scale`, [channels], lowestFactor, 2);
    const scaled = this.mul(`${name}/scaled`, input, factors);
    return this.add(name, scaled, this.uniform(`${name}/offset`, [channels], -0.5, 0.5));
  }

  relu(name: string, input: number, kind: 'RELU' | 'RELU6' | 'RELU_N1_TO_1' = 'RELU'): number {
    return this.op(name, kind, [input]);
  }

  leakyRelu(name: string, input: number): number {
    return this.op(name, 'LEAKY_RELU', [input], { type: 'LeakyReluOptions', alpha: 0.1 });
  }

  pool(name: string, kind: 'MAX_POOL_2D' | 'AVERAGE_POOL_2D', input: number, padding: Padding = 'VALID'): number {
    const { dilationH: _h, dilationW: _w, ...options } = windowOptions({ stride: 2, padding });
    return this.op(name, kind, [input], { type: 'Pool2DOptions', ...options, filterHeight: 2, filterWidth: 2 });
  }

  mean(name: string, input: number): number {
    return this.op(name, 'MEAN', [input, this.builder.ints(`${name}/axes`, [2], [1, 2])], {
      type: 'ReducerOptions',
      keepDims: false,
    });
  }

  pad(name: string, input: number, [top, bottom, left, right]: readonly [number, number, number, number]): number {
    const margins = this.builder.ints(`${name}/margins`, [4, 2], [0, 0, top, bottom, left, right, 0, 0]);
    return this.op(name, 'PAD', [input, margins], { type: 'PadOptions' });
  }

  reshape(name: string, input: number, shape: readonly number[]): number {
    const target = this.builder.ints(`${name}/shape`, [shape.length], shape);
    return this.op(name, 'RESHAPE', [input, target], { type: 'ReshapeOptions', newShape: shape });
  }

  flatten(name: string, input: number): number {
    return this.reshape(name, input, [1, elementCount(this.shape(input))]);
  }

  transpose(name: string, input: number, order: readonly number[]): number {
    return this.op(name, 'TRANSPOSE', [input, this.builder.ints(`${name}/order`, [order.length], order)], {
      type: 'TransposeOptions',
    });
  }

  concat(name: string, inputs: readonly number[]): number {
    return this.op(name, 'CONCATENATION', inputs, {
      type: 'ConcatenationOptions',
      axis: 3,
      activation: activations.NONE,
    });
  }

  softmax(name: string, input: number): number {
    return this.op(name, 'SOFTMAX', [input], { type: 'SoftmaxOptions', beta: 1 });
  }

  graph(...outputs: readonly number[]): Graph {
    return verify(this.builder.build('net', this.#inputs, outputs), 'test');
  }
}

function windowOptions({ stride = 1, padding = 'VALID', activation = 'NONE', dilation = 1 }: Window) {
  return {
    padding: paddings[padding],
    strideW: stride,
    strideH: stride,
    dilationW: dilation,
    dilationH: dilation,
    activation: activations[activation],
  };
}

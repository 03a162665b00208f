// The model between import and write: values and operations in execution order, operations and layouts being TFLite's (NHWC
// activations, OHWI convolution weights, [out, in] dense weights). A graph is never changed: each pass gives a new one.
// Values are named by their index in `values`; a value with data is a constant.
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';

/** Element types that the compiler handles. float16 is for constants alone, which a DEQUANTIZE makes float32 again. */
export type ElementType = 'float32' | 'float16' | 'int8' | 'uint8' | 'int32';

/** The bytes of a constant as elements of its type; float16 as its bits. */
export type ConstantData = Float32Array | Uint16Array | Int8Array | Uint8Array | Int32Array;

/** real = scale * (q - zeroPoint). Several scales lie along `dimension`. Scales are float32 values. */
export interface QuantParams {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly dimension: number;
}

/** A tensor of the graph. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ConstantData | null;
  readonly quantization: QuantParams | null;
}

/** One operation; inputs and outputs are indices of values. */
export interface Op {
  readonly kind: BuiltinName;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: OperatorOptions | null;
}

/** A whole model. */
export interface Graph {
  readonly name: string;
  readonly values: readonly Value[];
  readonly ops: readonly Op[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The value at an index; a graph that passed verify has it. */
export function valueAt(graph: Graph, index: number): Value {
  const value = graph.values[index];
  if (value === undefined) throw new RangeError(`graph ${graph.name} has no value ${index}`);
  return value;
}

/** The float elements of a constant, or null when the value is no float constant. */
export function floatData(value: Value | undefined): Float32Array | null {
  return value?.data instanceof Float32Array ? value.data : null;
}

/** Number of constant elements that are weights: what a person calls the parameters of the model. */
export function parameterCount(graph: Graph): number {
  const weights = new Set(graph.ops.flatMap(({ inputs }) => inputs.slice(1)));
  return graph.values.reduce(
    (sum, value, index) => (weights.has(index) && isWeight(value) ? sum + elementCount(value.shape) : sum),
    0,
  );
}

function isWeight(value: Value): boolean {
  return value.data !== null && (value.type !== 'int32' || value.quantization !== null);
}

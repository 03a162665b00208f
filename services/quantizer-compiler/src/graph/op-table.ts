// What the compiler knows of each operation that it takes, as data. int8 rules: TFLite's quantization specification
// (quantization_spec.md) and operator_property.cc.
import type { BuiltinName } from '@atoll/tflite/ops';

/**
 * How the output of an int8 operation gets its scale: `free` from calibration, `same` as its input (both must be equal),
 * `join` like `same` with several inputs, which take the output's, or a fixed scale and zero point.
 */
export type OutputRule = 'free' | 'same' | 'join' | { readonly scale: number; readonly zeroPoint: number };

/** One supported operation. */
export interface OpRow {
  /** Number of inputs: least and most. */
  readonly arity: readonly [least: number, most: number];
  /** Version of the float operation. */
  readonly floatVersion: number;
  readonly int8: OutputRule;
  /** Where weights are input 1: the axis of one scale per output channel, or null for a single scale. */
  readonly weights?: { readonly perChannel: number | null };
  /** A following RELU or RELU6 may be fused into it. */
  readonly fuses: boolean;
}

/** The supported operations. Dense weights have a single scale: one per row is silently misread by runtimes before TFLite 2.13. */
export const opTable: Readonly<Partial<Record<BuiltinName, OpRow>>> = {
  CONV_2D: { arity: [2, 3], floatVersion: 1, int8: 'free', weights: { perChannel: 0 }, fuses: true },
  DEPTHWISE_CONV_2D: { arity: [2, 3], floatVersion: 1, int8: 'free', weights: { perChannel: 3 }, fuses: true },
  FULLY_CONNECTED: { arity: [2, 3], floatVersion: 1, int8: 'free', weights: { perChannel: null }, fuses: true },
  MAX_POOL_2D: { arity: [1, 1], floatVersion: 1, int8: 'same', fuses: false },
  AVERAGE_POOL_2D: { arity: [1, 1], floatVersion: 1, int8: 'same', fuses: false },
  RESHAPE: { arity: [1, 2], floatVersion: 1, int8: 'same', fuses: false },
  PAD: { arity: [2, 2], floatVersion: 1, int8: 'same', fuses: false },
  MEAN: { arity: [2, 2], floatVersion: 1, int8: 'free', fuses: false },
  ADD: { arity: [2, 2], floatVersion: 1, int8: 'free', fuses: true },
  SUB: { arity: [2, 2], floatVersion: 1, int8: 'free', fuses: true },
  MUL: { arity: [2, 2], floatVersion: 1, int8: 'free', fuses: true },
  CONCATENATION: { arity: [1, 64], floatVersion: 1, int8: 'join', fuses: false },
  RELU: { arity: [1, 1], floatVersion: 1, int8: 'free', fuses: false },
  RELU6: { arity: [1, 1], floatVersion: 1, int8: 'free', fuses: false },
  SOFTMAX: { arity: [1, 1], floatVersion: 1, int8: { scale: 1 / 256, zeroPoint: -128 }, fuses: false },
  LOGISTIC: { arity: [1, 1], floatVersion: 1, int8: { scale: 1 / 256, zeroPoint: -128 }, fuses: false },
  TANH: { arity: [1, 1], floatVersion: 1, int8: { scale: 1 / 128, zeroPoint: 0 }, fuses: false },
  QUANTIZE: { arity: [1, 1], floatVersion: 1, int8: 'free', fuses: false },
  DEQUANTIZE: { arity: [1, 1], floatVersion: 2, int8: 'free', fuses: false },
};

/** Names of the operations that the compiler takes. */
export const supportedOps: readonly BuiltinName[] = Object.keys(opTable) as BuiltinName[];

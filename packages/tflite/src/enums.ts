/** TensorType of TFLite's schema: number on the wire by name. */
export const tensorTypes = {
  float32: 0,
  float16: 1,
  int32: 2,
  uint8: 3,
  int64: 4,
  string: 5,
  bool: 6,
  int16: 7,
  complex64: 8,
  int8: 9,
  float64: 10,
  complex128: 11,
  uint64: 12,
  resource: 13,
  variant: 14,
  uint32: 15,
  uint16: 16,
  int4: 17,
  bfloat16: 18,
  int2: 19,
  uint4: 20,
  float8e4m3fn: 21,
  float8e5m2: 22,
} as const;

/** Element type of a tensor. */
export type TensorType = keyof typeof tensorTypes;

/** The name of a TensorType number, or undefined when the number is not known. */
export function tensorTypeName(number: number): TensorType | undefined {
  return tensorTypeNames.get(number);
}

const tensorTypeNames: ReadonlyMap<number, TensorType> = new Map(
  Object.entries(tensorTypes).map(([name, number]) => [number, name as TensorType]),
);

const elementBits: Readonly<Partial<Record<TensorType, number>>> = {
  float32: 32,
  float16: 16,
  int32: 32,
  uint8: 8,
  int64: 64,
  bool: 8,
  int16: 16,
  complex64: 64,
  int8: 8,
  float64: 64,
  complex128: 128,
  uint64: 64,
  uint32: 32,
  uint16: 16,
  int4: 4,
  bfloat16: 16,
  int2: 2,
  uint4: 4,
  float8e4m3fn: 8,
  float8e5m2: 8,
};

/** Bytes of a dense tensor, or undefined for types without a fixed size (string, resource, variant). */
export function tensorSizeBytes(type: TensorType, shape: readonly number[]): number | undefined {
  const bits = elementBits[type];
  return bits === undefined ? undefined : Math.ceil((bits * shape.reduce((product, size) => product * size, 1)) / 8);
}

/** Padding of convolutions and pools. */
export const paddings = { SAME: 0, VALID: 1 } as const;

/** Padding by name. */
export type Padding = keyof typeof paddings;

/** Fused activation functions. */
export const activations = { NONE: 0, RELU: 1, RELU_N1_TO_1: 2, RELU6: 3, TANH: 4, SIGN_BIT: 5 } as const;

/** Fused activation by name. */
export type Activation = keyof typeof activations;

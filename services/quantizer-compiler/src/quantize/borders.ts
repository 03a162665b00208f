// Where the full-integer model meets its caller: int8 as it is, uint8 through a QUANTIZE, or floats through QUANTIZE and DEQUANTIZE.
import type { ElementType, QuantParams, Value } from '../graph/graph.js';
import type { GraphBuilder } from '../graph/graph-builder.js';

/** Types that the model can take and give. */
export const borderTypes = ['uint8', 'int8', 'float32'] as const;

/** One of the border types. */
export type BorderType = (typeof borderTypes)[number];

/** The outer input of the wanted type, and the int8 value inside that stands for it. */
export function inputBorder(
  builder: GraphBuilder,
  value: Value,
  params: QuantParams,
  type: BorderType,
): { readonly outer: number; readonly inner: number } {
  if (type === 'int8') {
    const only = builder.value(int8Activation(value, params));
    return { outer: only, inner: only };
  }
  const outer = builder.value(borderValue(value.name, value.shape, params, type));
  const inner = builder.value({ ...int8Activation(value, params), name: `${value.name}/int8` });
  builder.op('QUANTIZE', [outer], [inner], { type: 'QuantizeOptions' });
  return { outer, inner };
}

/** The outer output of the wanted type; what is no quantized value, such as an index, stays as it is. */
export function outputBorder(builder: GraphBuilder, index: number, type: BorderType): number {
  const value = builder.at(index);
  if (type === 'int8' || value.quantization === null) return index;
  builder.rename(index, `${value.name}/int8`);
  const outer = builder.value(borderValue(value.name, value.shape, value.quantization, type));
  const kind = type === 'float32' ? 'DEQUANTIZE' : 'QUANTIZE';
  builder.op(kind, [index], [outer], { type: type === 'float32' ? 'DequantizeOptions' : 'QuantizeOptions' });
  return outer;
}

/** The int8 value that stands for a float one. */
export function int8Activation(value: Value, quantization: QuantParams): Value {
  return { name: value.name, type: 'int8', shape: value.shape, data: null, quantization };
}

/** uint8 has the same scale and its zero point 128 higher: the same real values. */
function borderValue(name: string, shape: readonly number[], params: QuantParams, type: ElementType): Value {
  const quantization =
    type === 'uint8' ? { ...params, zeroPoint: params.zeroPoint.map((zeroPoint) => zeroPoint + 128) } : null;
  return { name, type, shape, data: null, quantization };
}

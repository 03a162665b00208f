import type { Op, Value } from './graph.js';

/** A RESHAPE of the value `from` to `to`, which is `made`; `add` puts the shape among the values and gives its index. */
export function reshapeOp(
  from: number,
  to: number,
  { name, shape }: Pick<Value, 'name' | 'shape'>,
  add: (value: Value) => number,
): Op {
  const target = add({
    name: `${name}/shape`,
    type: 'int32',
    shape: [shape.length],
    data: Int32Array.from(shape),
    quantization: null,
  });
  return {
    kind: 'RESHAPE',
    inputs: [from, target],
    outputs: [to],
    options: { type: 'ReshapeOptions', newShape: [...shape] },
  };
}

// A dense layer over more than two dimensions becomes RESHAPE, FULLY_CONNECTED over rows, RESHAPE: the form with `keepNumDims` is a
// newer version of the operator than the Edge TPU compiler takes.
import { elementCount, valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { reshapeOp } from '../graph/reshape-op.js';
import { UniqueNames } from '../graph/unique-names.js';

/** Rewrites every dense layer whose input or output has other than two dimensions. */
export function denseOverRows(graph: Graph): Graph {
  const values: Value[] = [...graph.values];
  const names = new UniqueNames();
  for (const { name } of values) names.take(name);
  const add = (value: Value): number => values.push({ ...value, name: names.take(value.name) }) - 1;
  const reshape = (from: number, to: number): Op => reshapeOp(from, to, valueAt({ ...graph, values }, to), add);
  const ops = graph.ops.flatMap((op): readonly Op[] => {
    const { options } = op;
    const [input = -1, weights = -1, ...bias] = op.inputs;
    const [output = -1] = op.outputs;
    if (options?.type !== 'FullyConnectedOptions') return [op];
    const [given, made] = [valueAt(graph, input), valueAt(graph, output)];
    const [units = 1, depth = 1] = valueAt(graph, weights).shape;
    const plain = { ...op, options: { ...options, keepNumDims: false } };
    if (given.shape.length === 2 && made.shape.length === 2) return [plain];
    const rows = elementCount(given.shape) / depth;
    const before =
      given.shape.length === 2 ? input : add({ ...given, name: `${given.name}/rows`, shape: [rows, depth] });
    const after = made.shape.length === 2 ? output : add({ ...made, name: `${made.name}/rows`, shape: [rows, units] });
    return [
      ...(before === input ? [] : [reshape(input, before)]),
      { ...plain, inputs: [before, weights, ...bias], outputs: [after] },
      ...(after === output ? [] : [reshape(after, output)]),
    ];
  });
  return { ...graph, values, ops };
}

// Gives every value the shape that follows from the inputs, as a runtime does when it allocates tensors: what the file says of the
// shapes of activations is a note of its converter, and with an open batch it is wrong. Sizes that the model computes on the way
// (SHAPE, STRIDED_SLICE, PACK, ...) are computed here, so that the shapes that they decide are known.
import { AtollError, reasonOf } from '@atoll/base/error';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { outputShapes } from '../graph/shapes.js';
import { computed } from '../passes/fold-constants.js';

/** The graph with every shape fixed; `open` are the values of which the file does not say the shape. */
export function staticShapes(graph: Graph, open: ReadonlySet<number>, file: string): Graph {
  const values = [...graph.values];
  const outputs = new Set(graph.outputs);
  const ops = graph.ops.filter((op, at) => {
    const refuse = (why: string): AtollError => {
      const name = graph.values[op.outputs[0] ?? -1]?.name ?? '';
      return new AtollError(
        'INVALID_ARGUMENT',
        `cannot import ${file}: operator ${at} (${op.kind}) that makes ${JSON.stringify(name)}: ${why}`,
      );
    };
    const inputs = op.inputs.map((index) => values[index] ?? valueAt(graph, index));
    const shapes = shapesOf(op, inputs, refuse);
    if (shapes === null) {
      const undecided = op.outputs.find((index) => open.has(index));
      if (undecided !== undefined) throw refuse('its shape depends on values; only a fixed shape can be quantized');
      return true;
    }
    if (shapes.length !== op.outputs.length)
      throw refuse(`it makes ${shapes.length} outputs, not ${op.outputs.length}`);
    op.outputs.forEach((index, place) => {
      values[index] = { ...valueAt(graph, index), shape: shapes[place] ?? [] };
    });
    const made = op.outputs.map((index) => values[index] ?? valueAt(graph, index));
    if (op.outputs.some((index) => outputs.has(index)) || !made.every(({ type }) => type === 'int32')) return true;
    const elements = computed(op, inputs, made);
    elements?.forEach((data, place) => {
      values[op.outputs[place] ?? -1] = { ...(made[place] ?? valueAt(graph, -1)), data };
    });
    return elements === null;
  });
  return { ...graph, values, ops };
}

function shapesOf(
  op: Op,
  inputs: readonly Value[],
  refuse: (why: string) => AtollError,
): ReturnType<typeof outputShapes> {
  try {
    return outputShapes(op, inputs);
  } catch (error) {
    throw refuse(reasonOf(error));
  }
}

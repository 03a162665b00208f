// PAD before a convolution without padding becomes the convolution's own, where it puts exactly the zeros that SAME would: one
// operation less, and no copy of the image. Other amounts, as a padding of 1 on all sides before a stride of 2, stay.
import { paddings } from '@atoll/tflite/enums';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { applyRule } from './rule.js';
import type { Change, View } from './rule.js';
import { samePadding, windowOf } from './weighted.js';

/** Fuses every such pair; a PAD that something else reads stays for it. */
export function fusePad(graph: Graph): Graph {
  return applyRule(graph, pad);
}

function pad(view: View, op: Op): Change | null {
  const { graph } = view;
  const window = windowOf(graph, op);
  const { options } = op;
  if (window === null || (options?.type !== 'Conv2DOptions' && options?.type !== 'DepthwiseConv2DOptions')) return null;
  const [padded = -1, ...rest] = op.inputs;
  const before = view.makers.get(padded);
  if (options.padding !== paddings.VALID || before?.kind !== 'PAD') return null;
  const [source = -1, amounts = -1] = before.inputs;
  const { shape } = valueAt(graph, source);
  const zeros = graph.values[amounts]?.data;
  if (!(zeros instanceof Int32Array) || shape.length !== 4) return null;
  const output = valueAt(graph, op.outputs[0] ?? -1).shape;
  const same = [1, 2].every((axis) => {
    const size = shape[axis] ?? 1;
    const stride = window.strides[axis - 1] ?? 1;
    const [first, last] = samePadding(size, window.size[axis - 1] ?? 1, stride);
    return zeros[2 * axis] === first && zeros[2 * axis + 1] === last && output[axis] === Math.ceil(size / stride);
  });
  if (!same || [0, 1, 6, 7].some((place) => zeros[place] !== 0)) return null;
  const fused: Op = { ...op, inputs: [source, ...rest], options: { ...options, padding: paddings.SAME } };
  return { replaced: new Map([[op, [fused]]]) };
}

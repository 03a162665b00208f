// Multiplication by, or addition of, a constant for each channel, and the operations that it can move through without a change of
// what the model computes. A constant with `period` p holds for the element at flat index i as data[i mod p]: so it passes
// reshapes, which keep flat indices.
import { activations } from '@atoll/tflite/enums';
import { elementCount, floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { fusedActivation } from './weighted.js';

/** x * data or x + data, channel by channel. */
export interface Affine {
  readonly kind: 'scale' | 'offset';
  /** Index of x. */
  readonly source: number;
  readonly data: Float32Array;
  /** Length of `data`: 1, or the number of channels. */
  readonly period: number;
  /** All factors are above 0, so that greater stays greater. */
  readonly positive: boolean;
}

/** What decides whether it can move. */
export type Motion = Pick<Affine, 'kind' | 'period' | 'positive'>;

/** Reads a plain MUL or ADD of a constant as such; the constant comes second (see canonical-arithmetic). */
export function affineOf(graph: Graph, op: Op): Affine | null {
  if ((op.kind !== 'MUL' && op.kind !== 'ADD') || fusedActivation(op) !== activations.NONE) return null;
  const [source = -1, constant = -1] = op.inputs;
  const data = floatData(graph.values[constant]);
  if (data === null || valueAt(graph, source).data !== null) return null;
  const { shape } = valueAt(graph, source);
  if (shape.join() !== valueAt(graph, op.outputs[0] ?? -1).shape.join()) return null;
  const last = valueAt(graph, constant).shape.at(-1) ?? 1;
  if (elementCount(valueAt(graph, constant).shape) !== last || (last !== 1 && last !== shape.at(-1))) return null;
  const kind = op.kind === 'MUL' ? 'scale' : 'offset';
  return { kind, source, data, period: data.length, positive: kind === 'scale' && data.every((one) => one > 0) };
}

/** The index of the value that `op` maps channel by channel so that `affine` can move across it, or null. */
export function transparentInput(graph: Graph, op: Op, affine: Motion): number | null {
  const [input = -1] = op.inputs;
  const channels = valueAt(graph, input).shape.at(-1) ?? 1;
  const sameChannels = channels === valueAt(graph, op.outputs[0] ?? -1).shape.at(-1);
  if (op.kind === 'RESHAPE') return input;
  if (!sameChannels || channels % affine.period !== 0 || fusedActivation(op) !== activations.NONE) return null;
  return movesAcross[op.kind]?.(affine, graph, op) === true ? input : null;
}

/** Whether an operation that works channel by channel gives the same before and after. */
const movesAcross: Readonly<Partial<Record<Op['kind'], (affine: Motion, graph: Graph, op: Op) => boolean>>> = {
  RELU: ({ kind, positive }) => kind === 'scale' && positive,
  LEAKY_RELU: ({ kind, positive }) => kind === 'scale' && positive,
  PRELU: ({ kind, positive }) => kind === 'scale' && positive,
  MAX_POOL_2D: ({ kind, positive }) => kind === 'offset' || positive,
  // Padding takes no part in an average.
  AVERAGE_POOL_2D: () => true,
  RESIZE_BILINEAR: () => true,
  RESIZE_NEAREST_NEIGHBOR: () => true,
  MEAN: (_affine, graph, op) => keepsChannels(graph, op),
  PAD: ({ kind }) => kind === 'scale',
};

/** True when a reduction does not go over the last axis. */
export function keepsChannels(graph: Graph, op: Op): boolean {
  const rank = valueAt(graph, op.inputs[0] ?? -1).shape.length;
  const axes = graph.values[op.inputs[1] ?? -1]?.data;
  return axes instanceof Int32Array && axes.every((axis) => (axis + rank) % rank !== rank - 1);
}

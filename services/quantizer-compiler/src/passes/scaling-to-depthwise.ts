// A constant factor or addend for each channel that no convolution can take in becomes a depthwise convolution of 1x1 with a bias:
// one operation in the place of two, a scale for each channel in the place of one for all, an addend of 32 bits in the place of
// 8, and an operation that the Edge TPU surely takes. Where a pool follows it goes behind the pool: there are fewer places.
import { activations, paddings } from '@atoll/tflite/enums';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { affineOf, transparentInput } from './affine.js';
import { scalingRule } from './fold-scaling.js';
import { applyRule, Draft, onlyReader } from './rule.js';
import type { Change, View } from './rule.js';

/**
 * Replaces MUL and ADD of constants over images that do not fold, pairs at once; what comes after a pair folds into it. A single
 * one of one number stays.
 */
export function scalingToDepthwise(graph: Graph): Graph {
  return applyRule(applyRule(graph, behindPool), (view, op) => scalingRule(view, op) ?? depthwise(view, op));
}

function behindPool(view: View, op: Op): Change | null {
  const { graph } = view;
  const affine = affineOf(graph, op);
  const [output = -1, ...others] = op.outputs;
  const pool = affine === null ? undefined : onlyReader(view, output);
  if (affine === null || others.length > 0 || pool?.options?.type !== 'Pool2DOptions') return null;
  if (transparentInput(graph, pool, affine) !== output) return null;
  // A pair stays together: its factors must be able to follow.
  const before = view.makers.get(affine.source);
  const factors = before === undefined ? null : affineOf(graph, before);
  if (factors !== null && transparentInput(graph, pool, factors) === null) return null;
  const [pooled = -1] = pool.outputs;
  const { shape } = valueAt(graph, pooled);
  return {
    replaced: new Map([
      [op, []],
      [
        pool,
        [
          { ...pool, inputs: [affine.source], outputs: [output] },
          { ...op, inputs: [output, ...op.inputs.slice(1)], outputs: [pooled] },
        ],
      ],
    ]),
    changed: new Map([[output, { ...valueAt(graph, output), shape }]]),
  };
}

function depthwise(view: View, op: Op): Change | null {
  const { graph } = view;
  const first = affineOf(graph, op);
  const [output = -1] = op.outputs;
  if (first === null) return null;
  const { shape } = valueAt(graph, first.source);
  const [batch, , , channels = 1] = shape;
  if (shape.length !== 4 || batch !== 1) return null;
  const next = first.kind === 'scale' ? onlyReader(view, output) : undefined;
  const second = next === undefined ? null : affineOf(graph, next);
  const pair = next !== undefined && second?.kind === 'offset';
  if (!pair && first.period === 1) return null;
  const made = pair ? next.outputs : op.outputs;
  const { name } = valueAt(graph, made[0] ?? -1);
  const scale = first.kind === 'scale' ? first : null;
  const offset = first.kind === 'offset' ? first : pair ? second : null;
  const draft = new Draft(view);
  const constant = (part: string, size: readonly number[], of: (channel: number) => number): number => {
    const data = Float32Array.from({ length: channels }, (_, channel) => of(channel));
    return draft.add({
      name: `${name}/${part}`,
      type: 'float32',
      shape: size,
      data,
      quantization: null,
    } satisfies Value);
  };
  const weights = constant('factors', [1, 1, 1, channels], (at) =>
    scale === null ? 1 : (scale.data[at % scale.period] ?? 0),
  );
  const bias = constant('addends', [channels], (at) => (offset === null ? 0 : (offset.data[at % offset.period] ?? 0)));
  draft.replace(op, []);
  draft.replace(pair ? next : op, [
    {
      kind: 'DEPTHWISE_CONV_2D',
      inputs: [first.source, weights, bias],
      outputs: made,
      options: {
        type: 'DepthwiseConv2DOptions',
        padding: paddings.VALID,
        strideW: 1,
        strideH: 1,
        depthMultiplier: 1,
        activation: activations.NONE,
        dilationW: 1,
        dilationH: 1,
      },
    },
  ]);
  return draft.change();
}

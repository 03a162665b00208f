// A multiplication by, or addition of, a constant for each channel disappears into the weights and bias of an operation before it
//   a * conv(x, w) + c = conv(x, a * w) + c            (batch normalization after a convolution)
// or after it
//   conv(a * x, w) = conv(x, a * w)     conv(x + c, w) = conv(x, w) + c * sum(w)     (rescaled inputs; the sum: without padding)
// and may pass pools, means, reshapes and the like on its way: see affine.ts. Backward comes first: there one scale per output
// channel takes up whatever the factor is. With padding an addition stays: the border would get another value.
import { activations } from '@atoll/tflite/enums';
import type { Graph, Op } from '../graph/graph.js';
import { affineOf, transparentInput } from './affine.js';
import { sinksOf } from './sinks.js';
import type { Affine } from './affine.js';
import { applyRule, bypass, Draft, onlyReader } from './rule.js';
import type { Change, Rule, View } from './rule.js';
import { fusedActivation, inputOffsetGain, scaleInputs, scaleOutputs, weightedOf } from './weighted.js';
import type { Weighted } from './weighted.js';

/** Folds until nothing folds any more. */
export function foldScaling(graph: Graph): Graph {
  return applyRule(graph, scalingRule);
}

/** Folds one multiplication or addition. */
export const scalingRule: Rule = (view, op) => {
  const affine = affineOf(view.graph, op);
  return affine === null ? null : (backward(view, op, affine) ?? forward(view, op, affine));
};

function backward(view: View, op: Op, affine: Affine): Change | null {
  const target = source(view, op, affine);
  if (target === null) return null;
  const bypassed = bypass(view, op, affine.source);
  if (bypassed === null) return null;
  const { data, period } = affine;
  const at = (channel: number): number => data[channel % period] ?? 0;
  const draft = new Draft(view);
  const offsets = target.offsets.map((one, channel) =>
    affine.kind === 'scale' ? one * at(channel) : one + at(channel),
  );
  const constants = new Map<number, Float32Array>([[target.bias, offsets]]);
  if (affine.kind === 'scale') constants.set(target.weights, scaleOutputs(target, at));
  draft.constants(target.op, constants);
  return draft.merge(bypassed);
}

/** The operation that made, by operations that let `affine` through, what `op` reads; nothing else may read the way. */
function source(view: View, op: Op, affine: Affine): Weighted | null {
  let index: number | null = affine.source;
  for (let reader = op; index !== null;) {
    const maker: Op | undefined = view.makers.get(index);
    if (maker === undefined || onlyReader(view, index) !== reader) return null;
    const weighted = weightedOf(view.graph, maker);
    if (weighted !== null) {
      const fused = fusedActivation(maker);
      const passes = fused === activations.NONE || (fused === activations.RELU && affine.positive);
      return passes && weighted.outChannels % affine.period === 0 ? weighted : null;
    }
    index = transparentInput(view.graph, maker, affine);
    reader = maker;
  }
  return null;
}

function forward(view: View, op: Op, affine: Affine): Change | null {
  const [output = -1] = op.outputs;
  const targets = sinksOf(view, output, affine)?.targets ?? [];
  if (targets.length === 0) return null;
  const { data, period } = affine;
  const at = (channel: number): number => data[channel % period] ?? 0;
  const draft = new Draft(view);
  for (const target of new Set(targets)) {
    if (affine.kind === 'scale') {
      draft.constants(target.op, new Map([[target.weights, scaleInputs(target, at)]]));
    } else {
      const gain = inputOffsetGain(target, at);
      draft.constants(
        target.op,
        new Map([[target.bias, target.offsets.map((one, channel) => one + (gain[channel] ?? 0))]]),
      );
    }
  }
  draft.replace(op, []);
  return draft.change([output, affine.source]);
}

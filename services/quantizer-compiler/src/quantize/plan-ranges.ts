// Which tensors have a range to choose, and the ranges under a choice for each of them. Never clipped are the logits (what a
// SOFTMAX reads: see logit-range), the outputs of the model, and the 6 of a RELU6.
import { activations } from '@atoll/tflite/enums';
import type { Calibration } from '../calibrate/calibrate.js';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { chooseRange } from './choose-range.js';
import type { KeptEnds, RangeMethod } from './choose-range.js';
import type { Range } from './params.js';

/** A tensor whose range may be chosen. */
export interface TunableValue {
  readonly name: string;
  readonly kept: KeptEnds;
}

/** The method for each tensor by name; those that are not in it have minmax. */
export type RangeMethods = ReadonlyMap<string, RangeMethod>;

/** The tensors whose ranges may be chosen, in the order of computation. */
export function tunableValues(graph: Graph): readonly TunableValue[] {
  const logits = graph.ops.filter(({ kind }) => kind === 'SOFTMAX').flatMap(({ inputs }) => inputs);
  const fixed = new Set([...graph.outputs, ...logits]);
  return graph.ops.flatMap((op) => {
    const rule = opTable[op.kind]?.int8;
    if (rule !== 'free' && rule !== 'join') return [];
    return op.outputs
      .filter((index) => !fixed.has(index) && valueAt(graph, index).type === 'float32')
      .map((index) => ({ name: valueAt(graph, index).name, kept: { min: false, max: isRelu6(op) } }));
  });
}

function isRelu6({ kind, options }: Op): boolean {
  const fused = options !== null && 'activation' in options && options.activation === activations.RELU6;
  return kind === 'RELU6' || fused;
}

/** The range of every tensor. */
export function planRanges(
  tunable: readonly TunableValue[],
  calibration: Pick<Calibration, 'ranges' | 'histograms'>,
  methods: RangeMethods,
): ReadonlyMap<string, Range> {
  const ranges = new Map(calibration.ranges);
  for (const { name, kept } of tunable) {
    const measured = ranges.get(name);
    const histogram = calibration.histograms.get(name);
    if (measured === undefined || histogram === undefined) continue;
    ranges.set(name, chooseRange(methods.get(name) ?? 'minmax', measured, histogram, kept));
  }
  return ranges;
}

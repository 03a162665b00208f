// Decides every parameter of the full-integer model before anything is quantized.
//   minmax: the range of each tensor is what it took on the representative photos, as TFLite's converter has it.
//   auto:   the same, but what a SOFTMAX reads gets the finest steps that cost its probabilities nothing, and each bias takes
//           back what rounding the weights adds on average.
import type { Calibration } from '../calibrate/calibrate.js';
import type { Graph, QuantParams } from '../graph/graph.js';
import { assignParams } from './assign.js';
import type { Assignment } from './assign.js';
import { correctBias } from './correct-bias.js';
import { bestLogitRange } from './logit-range.js';

/** The ways to choose ranges, the default first. */
export const rangeChoices = ['auto', 'minmax'] as const;

/** One of the ways. */
export type RangeChoice = (typeof rangeChoices)[number];

/** The graph to quantize and the parameters of its values. */
export interface QuantizationPlan {
  readonly graph: Graph;
  readonly assigned: Assignment;
}

/** Plans; `input` are the parameters of the graph's input. */
export function planQuantization(
  graph: Graph,
  calibration: Calibration,
  input: QuantParams,
  choice: RangeChoice,
): QuantizationPlan {
  const inputs = new Map(graph.inputs.map((index) => [index, input]));
  if (choice === 'minmax') return { graph, assigned: assignParams(graph, calibration.ranges, inputs) };
  const ranges = new Map(calibration.ranges);
  for (const [name, rows] of calibration.logits) {
    const measured = ranges.get(name);
    if (measured !== undefined) ranges.set(name, bestLogitRange(rows, measured));
  }
  const assigned = assignParams(graph, ranges, inputs);
  return { graph: correctBias(graph, assigned, calibration.channelMeans), assigned };
}

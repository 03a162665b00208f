// Decides every parameter of the full-integer model before anything is quantized: from the weights, the methods of ranges and the
// range of the logits that were chosen.
import type { Calibration } from '../calibrate/calibrate.js';
import type { Graph, QuantParams } from '../graph/graph.js';
import { assignParams } from './assign.js';
import type { Assignment } from './assign.js';
import { rangeMethods } from './choose-range.js';
import type { Range } from './params.js';
import { planRanges, tunableValues } from './plan-ranges.js';
import type { RangeMethods } from './plan-ranges.js';

/** The ways to choose ranges, the default first: what errs least on photos that were not calibrated on, or one method for all. */
export const rangeChoices = ['auto', ...rangeMethods] as const;

/** One of the ways. */
export type RangeChoice = (typeof rangeChoices)[number];

/** The graph to quantize and the parameters of its values. */
export interface QuantizationPlan {
  readonly graph: Graph;
  readonly assigned: Assignment;
}

/** What the parameters follow from; `replaced` are ranges that no method chose. */
export interface PlanInputs {
  readonly calibration: Pick<Calibration, 'ranges' | 'histograms'>;
  /** Parameters of the graph's inputs by value index. */
  readonly inputs: ReadonlyMap<number, QuantParams>;
  readonly methods: RangeMethods;
  readonly replaced: ReadonlyMap<string, Range>;
}

/** Plans. */
export function planQuantization(
  graph: Graph,
  { calibration, inputs, methods, replaced }: PlanInputs,
): QuantizationPlan {
  const ranges = planRanges(tunableValues(graph), calibration, methods);
  return { graph, assigned: assignParams(graph, new Map([...ranges, ...replaced]), inputs) };
}

/** One method for every tensor that has a choice. */
export function sameMethod(graph: Graph, method: (typeof rangeMethods)[number]): RangeMethods {
  return new Map(tunableValues(graph).map(({ name }) => [name, method]));
}

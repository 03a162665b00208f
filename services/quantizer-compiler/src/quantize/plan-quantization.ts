// Decides every parameter of the full-integer model before anything is quantized: from the weights, the methods of ranges and the
// range of the logits that were chosen.
import type { Calibration } from '../calibrate/calibrate.js';
import type { Graph, QuantParams } from '../graph/graph.js';
import { assignParams } from './assign.js';
import type { Assignment } from './assign.js';
import { rangeMethods } from './choose-range.js';
import type { RangeMethod } from './choose-range.js';
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

/** A plan with what it rests on. */
export interface CompletePlan extends QuantizationPlan {
  /** The float model as it was calibrated: the plan's graph before its weights were rounded. */
  readonly float: Graph;
  readonly calibration: Calibration;
  readonly methods: RangeMethods;
  readonly replaced: ReadonlyMap<string, Range>;
}

/** Plans with one method for every tensor that has a choice. */
export function planUniformly(
  graph: Graph,
  calibration: Calibration,
  inputs: ReadonlyMap<number, QuantParams>,
  method: RangeMethod,
): CompletePlan {
  const methods = new Map(tunableValues(graph).map(({ name }) => [name, method]));
  const replaced = new Map<string, Range>();
  const plan = planQuantization(graph, { calibration, inputs, methods, replaced });
  return { ...plan, float: graph, calibration, methods, replaced };
}

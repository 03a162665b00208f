// Ranges `auto`: what errs least on photos that were not calibrated on, found greedily. Every candidate is a whole int8 model, and
// `measure` runs it. In order:
//   1. weights to the nearest step with corrected biases, or fitted to their inputs
//   2. one method of ranges for all tensors
//   3. another method for one tensor after the other, those first whose range would change most
// A candidate is taken when it errs less than the best so far by a margin that chance does not reach. Nothing here runs a model.
import type { RangeMethods, TunableValue } from '../quantize/plan-ranges.js';
import { rangeMethods } from '../quantize/choose-range.js';
import type { RangeMethod } from '../quantize/choose-range.js';

/** Whose weights a candidate has. */
export type WeightChoice = 'nearest' | 'fitted';

/** A candidate. */
export interface Candidate {
  readonly weights: WeightChoice;
  readonly methods: RangeMethods;
}

/** The best candidate, its error, and how many were run. */
export interface Tuned {
  readonly candidate: Candidate;
  readonly error: number;
  readonly measured: number;
}

/** What is to be chosen among; `gains` tells by how much a method would narrow each tensor's range, 0 for not at all. */
export interface Choices {
  readonly weights: readonly WeightChoice[];
  readonly tunable: readonly TunableValue[];
  gain(name: string, method: RangeMethod): number;
}

/** One method for all must gain 1 %, another for one tensor half a percent. */
const margins = { all: 0.99, one: 0.995 };

/** Measures at most `budget` candidates. */
export async function tune(
  choices: Choices,
  measure: (candidate: Candidate) => Promise<number>,
  budget: number,
): Promise<Tuned> {
  let measured = 0;
  let best: Candidate = { weights: choices.weights[0] ?? 'nearest', methods: new Map() };
  let error = await measure(best);
  measured++;
  const consider = async (candidate: Candidate, margin: number): Promise<void> => {
    if (measured >= budget) return;
    measured++;
    const found = await measure(candidate);
    if (found < margin * error) [best, error] = [candidate, found];
  };
  for (const weights of choices.weights.slice(1)) await consider({ ...best, weights }, 1);
  for (const method of rangeMethods.slice(1)) {
    await consider({ ...best, methods: new Map(choices.tunable.map(({ name }) => [name, method])) }, margins.all);
  }
  for (const { name, method } of moves(choices, best.methods)) {
    await consider({ ...best, methods: new Map([...best.methods, [name, method]]) }, margins.one);
  }
  return { candidate: best, error, measured };
}

/** Every other method of every tensor that differs from what it has, the greatest difference first. */
function moves(choices: Choices, current: RangeMethods): readonly { name: string; method: RangeMethod }[] {
  return choices.tunable
    .flatMap(({ name }) => {
      const own = choices.gain(name, current.get(name) ?? 'minmax');
      return rangeMethods.map((method) => ({ name, method, change: Math.abs(choices.gain(name, method) - own) }));
    })
    .filter(({ change }) => change > 0.02)
    .toSorted((a, b) => b.change - a.change);
}

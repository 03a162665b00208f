// Ranges `auto`: what errs least on photos that were not calibrated on, found greedily. Every candidate is a whole int8 model, and
// `measure` runs it. In order:
//   1. weights to the nearest step with corrected biases, or equalized and fitted to their inputs
//   2. one method of ranges for all tensors
//   3. another method for one tensor after the other, those first whose range would change most, until several gained nothing
// A candidate is taken when it errs less than the best so far by a margin that chance does not reach: of many that are equally
// good, one looks better on a hundred photos. Nothing here runs a model.
import type { RangeMethods, TunableValue } from '../quantize/plan-ranges.js';
import { rangeMethods } from '../quantize/choose-range.js';
import type { RangeMethod } from '../quantize/choose-range.js';

/** The float model with weights as a candidate has them, the likely better one first. */
export const bases = ['fitted', 'nearest'] as const;

/** One of them. */
export type Base = (typeof bases)[number];

/** A candidate. */
export interface Candidate {
  readonly base: Base;
  readonly methods: RangeMethods;
}

/** The best candidate, its error, and how many were run. */
export interface Tuned {
  readonly candidate: Candidate;
  readonly error: number;
  readonly measured: number;
}

/** What is to be chosen among; `gain` tells by how much a method would narrow a tensor's range, 0 for not at all. */
export interface Choices {
  readonly bases: readonly Base[];
  readonly tunable: readonly TunableValue[];
  gain(base: Base, name: string, method: RangeMethod): number;
}

/** What a candidate may err at most, as a share of the best so far: as another base, with one method for all, with one for a tensor. */
const margins = { base: 0.95, all: 0.98, one: 0.985 };
/** Tensors in a row that gain nothing before the search ends. */
const patience = 6;

/** Measures at most `budget` candidates. */
export async function tune(
  choices: Choices,
  measure: (candidate: Candidate) => Promise<number>,
  budget: number,
): Promise<Tuned> {
  let measured = 0;
  let best: Candidate = { base: choices.bases[0] ?? 'nearest', methods: new Map() };
  let error = await measure(best);
  measured++;
  const isBetter = async (candidate: Candidate, margin: number): Promise<boolean> => {
    if (measured >= budget) return false;
    measured++;
    const found = await measure(candidate);
    if (!(found < margin * error)) return false;
    [best, error] = [candidate, found];
    return true;
  };
  for (const base of choices.bases.slice(1)) await isBetter({ ...best, base }, margins.base);
  for (const method of rangeMethods.slice(1)) {
    await isBetter({ ...best, methods: new Map(choices.tunable.map(({ name }) => [name, method])) }, margins.all);
  }
  let idle = 0;
  for (const { name, method } of moves(choices, best)) {
    if (idle === patience) break;
    const gained = await isBetter({ ...best, methods: new Map([...best.methods, [name, method]]) }, margins.one);
    idle = gained ? 0 : idle + 1;
  }
  return { candidate: best, error, measured };
}

/**
 * Whether what was tuned is kept, or the plain rule: whatever errs less in what users see. The search judges every step but the
 * last, the range of the logits, and it begins with weights that were fitted already.
 */
export function keepsTuned(tuned: number, plain: number): boolean {
  // An error that is not a number is no reason to keep anything.
  return tuned <= plain;
}

/** Every other method of every tensor that differs from what it has, the greatest difference first. */
function moves(choices: Choices, { base, methods }: Candidate): readonly { name: string; method: RangeMethod }[] {
  return choices.tunable
    .flatMap(({ name }) => {
      const own = choices.gain(base, name, methods.get(name) ?? 'minmax');
      return rangeMethods.map((method) => ({ name, method, change: Math.abs(choices.gain(base, name, method) - own) }));
    })
    .filter(({ change }) => change > 0.02)
    .toSorted((a, b) => b.change - a.change);
}

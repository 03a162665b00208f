import type { Durations } from './durations.js';
import type { Series, Stage } from './series.js';
import { stages } from './series.js';

/** Requests and the milliseconds that they took together. */
export interface Total {
  readonly count: number;
  readonly sumMs: number;
}

/** A version's requests as Triton's ModelStatistics divides them: the stages are those of successful requests. */
export interface RequestTotals extends Readonly<Record<Stage, Total>> {
  readonly success: Total;
  /** All other outcomes. */
  readonly fail: Total;
  /** Wall time of the last request's end, milliseconds since the Unix epoch; 0 without any. */
  readonly lastInferenceMs: number;
}

const nothing: Total = { count: 0, sumMs: 0 };

/** Adds up all series of a version. */
export function totalsOf(all: readonly Series[], lastInferenceMs: number): RequestTotals {
  const good = all.filter(({ outcome }) => outcome === 'ok');
  const bad = all.filter(({ outcome }) => outcome !== 'ok');
  const sums = Object.fromEntries(stages.map((stage) => [stage, sumOf(good.map((series) => series.stages[stage]))]));
  return {
    queue: nothing,
    input: nothing,
    infer: nothing,
    output: nothing,
    ...sums,
    success: sumOf(good.map(({ request }) => request)),
    fail: sumOf(bad.map(({ request }) => request)),
    lastInferenceMs,
  };
}

function sumOf(all: readonly Durations[]): Total {
  return all.reduce<Total>(
    (sum, { count, sumMs }) => ({ count: sum.count + count, sumMs: sum.sumMs + sumMs }),
    nothing,
  );
}

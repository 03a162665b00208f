/*
 * Numbers of one version of one model since it went into service: what the soak gate, health reports and metrics look at.
 * Latencies fall into buckets that grow by a twentieth, so a quantile is right within 5 % and memory does not grow.
 */

import { faultOfVersion } from './stats/outcome.js';
import type { RequestRecord, Series } from './stats/series.js';
import { createSeries } from './stats/series.js';
import type { RequestTotals } from './stats/totals.js';
import { totalsOf } from './stats/totals.js';

/** A copy of the numbers at one moment. */
export interface VersionStats {
  /** Requests that succeeded or failed through the version; what its callers or a full queue ended is not counted. */
  readonly requests: number;
  /** Those that failed through no fault of the caller. */
  readonly errors: number;
  /** Unasked ends of the runtime child while this version was loaded in it. */
  readonly crashes: number;
  /** Shadow runs whose output was held against that of the version in service, and those that differed from it. */
  readonly compared: number;
  readonly disagreed: number;
  /** Median and 99th percentile of the time from dequeue to output of requests that succeeded; 0 without any. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Successes by latency bucket, for the numbers of a span: see statsBetween. */
  readonly buckets: Float64Array;
}

/** Collects them. */
export interface StatsRecorder {
  /** Once a request that the version was chosen for, however it ended. */
  record(request: RequestRecord): void;
  crashed(): void;
  /** Once a run as a shadow. */
  compared(agrees: boolean): void;
  snapshot(): VersionStats;
  /** Sums as Triton's ModelStatistics wants them. */
  totals(): RequestTotals;
  /** Every kind of request apart, for metrics. */
  readonly series: readonly Series[];
}

const growth = Math.log(1.05);
const leastMs = 0.01;
const bucketCount = 400; // 0.01 ms * 1.05^400 is 50 minutes

/** A recorder with all numbers zero. */
export function createStats(): StatsRecorder {
  const buckets = new Float64Array(bucketCount);
  let succeeded = 0;
  let errors = 0;
  let crashes = 0;
  let compared = 0;
  let disagreed = 0;
  let lastEndMs = 0;
  const series = createSeries();
  return {
    record(request) {
      series.record(request);
      lastEndMs = request.endedAtMs;
      if (faultOfVersion.has(request.outcome)) errors++;
      if (request.outcome !== 'ok') return;
      const latencyMs = request.inputMs + request.inferMs + request.outputMs;
      const bucket = Math.ceil(Math.log(Math.max(latencyMs, leastMs) / leastMs) / growth);
      const index = Math.min(bucketCount - 1, Math.max(0, bucket));
      buckets[index] = (buckets[index] ?? 0) + 1;
      succeeded++;
    },
    crashed: () => void crashes++,
    compared(agrees) {
      compared++;
      if (!agrees) disagreed++;
    },
    series: series.all,
    totals: () => totalsOf(series.all, lastEndMs),
    snapshot: () => ({
      requests: succeeded + errors,
      errors,
      crashes,
      compared,
      disagreed,
      p50Ms: quantile(buckets, succeeded, 0.5),
      p99Ms: quantile(buckets, succeeded, 0.99),
      buckets: buckets.slice(),
    }),
  };
}

/** The numbers of the span between two snapshots of one version; all of `later` when the version began anew between them. */
export function statsBetween(earlier: VersionStats, later: VersionStats): VersionStats {
  const buckets = later.buckets.map((count, index) => count - (earlier.buckets[index] ?? 0));
  if (later.requests < earlier.requests || buckets.some((count) => count < 0)) return later;
  const succeeded = buckets.reduce((sum, count) => sum + count, 0);
  return {
    requests: later.requests - earlier.requests,
    errors: later.errors - earlier.errors,
    crashes: later.crashes - earlier.crashes,
    compared: later.compared - earlier.compared,
    disagreed: later.disagreed - earlier.disagreed,
    p50Ms: quantile(buckets, succeeded, 0.5),
    p99Ms: quantile(buckets, succeeded, 0.99),
    buckets,
  };
}

/** The upper edge of the bucket that holds the q-th of `total` values. */
function quantile(buckets: Float64Array, total: number, q: number): number {
  if (total === 0) return 0;
  const rank = Math.ceil(total * q);
  let seen = 0;
  for (let i = 0; i < buckets.length; i++) {
    seen += buckets[i] ?? 0;
    if (seen >= rank) return leastMs * Math.exp(growth * i);
  }
  return 0;
}

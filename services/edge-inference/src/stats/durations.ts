/** Upper edges of the buckets that durations are counted in, milliseconds; what is longer falls in one more. */
export const bucketEdgesMs = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;

/** Durations counted by bucket; the counts are not cumulative, the last is of those beyond all edges. */
export interface Durations {
  readonly counts: Float64Array;
  readonly sumMs: number;
  readonly count: number;
}

/** Takes durations in; a negative one counts as 0. Kept lean because every request calls it several times. */
export interface DurationsRecorder extends Durations {
  add(ms: number): void;
}

/** A recorder with nothing in it. */
export function createDurations(): DurationsRecorder {
  const counts = new Float64Array(bucketEdgesMs.length + 1);
  let sumMs = 0;
  let count = 0;
  return {
    counts,
    get sumMs() {
      return sumMs;
    },
    get count() {
      return count;
    },
    add(ms) {
      const duration = ms > 0 ? ms : 0;
      let bucket = 0;
      while (bucket < bucketEdgesMs.length && duration > (bucketEdgesMs[bucket] ?? Infinity)) bucket++;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sumMs += duration;
      count++;
    },
  };
}

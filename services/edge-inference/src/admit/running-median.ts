/** The median of the last samples. */
export interface RunningMedian {
  /** 0 before the first sample. */
  readonly value: number;
  add(sample: number): void;
}

/** A median over the last `size` samples, held in order: adding one moves at most `size` numbers. */
export function createRunningMedian(size = 31): RunningMedian {
  const recent = new Float64Array(size);
  const sorted = new Float64Array(size);
  let count = 0;
  let next = 0;

  const placeOf = (sample: number): number => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] ?? 0) < sample) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    get value() {
      return count === 0 ? 0 : (sorted[(count - 1) >>> 1] ?? 0);
    },
    add(sample) {
      if (count === size) {
        const oldest = placeOf(recent[next] ?? 0);
        sorted.copyWithin(oldest, oldest + 1, count);
        count--;
      }
      const place = placeOf(sample);
      sorted.copyWithin(place + 1, place, count);
      sorted[place] = sample;
      count++;
      recent[next] = sample;
      next = (next + 1) % size;
    },
  };
}

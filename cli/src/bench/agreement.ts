/**
 * How near an int8 model is to its float original, from what both say of the same photos, and how sure that is.
 *
 * A classifier decides once a photo, a segmenter once a pixel. Decisions of one photo are no independent witnesses, so every figure
 * is a mean over photos and every margin comes from the spread between photos. Equal scores go to the lowest class, for all alike.
 */

/** What one photo showed; every field but the last two is a share of the photo's decisions. */
export interface PhotoVerdict {
  readonly agree: number;
  /** int8 chose the true class. */
  readonly right: number;
  readonly floatRight: number;
  /** The two best scores of int8 were equal. */
  readonly ties: number;
  /** Mean of |float - int8| over all scores. */
  readonly absError: number;
  readonly maxAbsError: number;
}

/** The figures of one model over all photos. */
export interface Agreement {
  readonly photos: number;
  readonly agreement: number;
  /** Half the width of the 95 % interval of `agreement`: 1.96 standard errors over photos. */
  readonly agreementMargin: number;
  readonly accuracy: number;
  readonly floatAccuracy: number;
  readonly ties: number;
  readonly meanAbsError: number;
  readonly maxAbsError: number;
}

/** A difference of means over the same photos with its 95 % interval. */
export interface Difference {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Compares scores of one photo: rows of `classes` scores, one row a decision; `truth` gives a decision's true class. */
export function photoVerdict(
  float: Float32Array,
  int8: Float32Array,
  classes: number,
  truth: (decision: number) => number,
): PhotoVerdict {
  const decisions = float.length / classes;
  let [agree, right, floatRight, ties, sum, maxAbsError] = [0, 0, 0, 0, 0, 0];
  for (let decision = 0; decision < decisions; decision++) {
    const [from, to] = [decision * classes, (decision + 1) * classes];
    const [expected, actual] = [best(float, from, to), best(int8, from, to)];
    const trueClass = truth(decision);
    if (expected.index === actual.index) agree++;
    if (actual.index === trueClass) right++;
    if (expected.index === trueClass) floatRight++;
    if (actual.tied) ties++;
    for (let i = from; i < to; i++) {
      const error = Math.abs((float[i] ?? 0) - (int8[i] ?? 0));
      sum += error;
      maxAbsError = Math.max(maxAbsError, error);
    }
  }
  return {
    agree: agree / decisions,
    right: right / decisions,
    floatRight: floatRight / decisions,
    ties: ties / decisions,
    absError: sum / float.length,
    maxAbsError,
  };
}

/** Sums up the photos of one model. */
export function agreementOf(verdicts: readonly PhotoVerdict[]): Agreement {
  const mean = (pick: (verdict: PhotoVerdict) => number): number =>
    verdicts.reduce((sum, verdict) => sum + pick(verdict), 0) / verdicts.length;
  const agreement = mean(({ agree }) => agree);
  const variance = mean(({ agree }) => (agree - agreement) ** 2);
  return {
    photos: verdicts.length,
    agreement,
    agreementMargin: 1.96 * Math.sqrt(variance / verdicts.length),
    accuracy: mean(({ right }) => right),
    floatAccuracy: mean(({ floatRight }) => floatRight),
    ties: mean(({ ties }) => ties),
    meanAbsError: mean(({ absError }) => absError),
    maxAbsError: verdicts.reduce((max, verdict) => Math.max(max, verdict.maxAbsError), 0),
  };
}

/**
 * Mean of a - b over photos, and the 95 % interval of it by the bootstrap: photos drawn anew, both models always on the same ones
 * (Efron's percentile interval). The draw is seeded: the same figures give the same interval.
 */
export function pairedDifference(a: readonly number[], b: readonly number[], draws = 2000): Difference {
  const differences = a.map((value, i) => value - (b[i] ?? 0));
  const count = differences.length;
  const random = mulberry32(1);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += differences[Math.floor(random() * count)] ?? 0;
    return sum / count;
  }).toSorted((x, y) => x - y);
  return {
    mean: differences.reduce((sum, value) => sum + value, 0) / count,
    low: means[Math.floor(draws * 0.025)] ?? Number.NaN,
    high: means[Math.ceil(draws * 0.975) - 1] ?? Number.NaN,
  };
}

/** What an interval of (ours - theirs) says, where more of the figure is better (agreement) or worse (error). */
export function verdictOf({ low, high }: Difference, more: 'better' | 'worse'): 'better' | 'within noise' | 'worse' {
  if (low <= 0 && high >= 0) return 'within noise';
  return low > 0 === (more === 'better') ? 'better' : 'worse';
}

function best(scores: Float32Array, from: number, to: number): { readonly index: number; readonly tied: boolean } {
  let index = from;
  let tied = false;
  for (let i = from + 1; i < to; i++) {
    const [score, top] = [scores[i] ?? 0, scores[index] ?? 0];
    if (score > top) [index, tied] = [i, false];
    else if (score === top) tied = true;
  }
  return { index: index - from, tied };
}

/** Numbers in [0, 1), the same for the same seed (Tommy Ettinger's Mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

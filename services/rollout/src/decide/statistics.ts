/** Bounds of a share that was seen on a sample: the Wilson score interval (E. B. Wilson, JASA 22, 1927), one-sided. */

/** The share is at least this with probability `confidence`, 0.5..1; 0 for an empty sample. */
export function wilsonLower(hits: number, trials: number, confidence: number): number {
  if (trials <= 0) return 0;
  return Math.max(0, wilson(hits, trials, -quantile(confidence)));
}

/** The share is at most this with probability `confidence`, 0.5..1; 1 for an empty sample. */
export function wilsonUpper(hits: number, trials: number, confidence: number): number {
  if (trials <= 0) return 1;
  return Math.min(1, wilson(hits, trials, quantile(confidence)));
}

/** (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = hits/trials, n = trials. */
function wilson(hits: number, n: number, z: number): number {
  const p = hits / n;
  const squared = z * z;
  return (p + squared / (2 * n) + z * Math.sqrt((p * (1 - p)) / n + squared / (4 * n * n))) / (1 + squared / n);
}

/**
 * The standard normal quantile for 0.5..1 by P. J. Acklam's rational approximation, relative error under 1.2e-9;
 * its central part holds to 0.97575, its tail beyond.
 */
function quantile(probability: number): number {
  if (probability <= 0.5) return 0;
  const p = Math.min(probability, 1 - 1e-12);
  if (p <= 0.97575) {
    const q = p - 0.5;
    const r = q * q;
    return (q * polynomial(r, central.top)) / polynomial(r, central.bottom);
  }
  const q = Math.sqrt(-2 * Math.log(1 - p));
  return -polynomial(q, tail.top) / polynomial(q, tail.bottom);
}

/** Coefficients from the highest power down. */
const central = {
  top: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  bottom: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
};
const tail = {
  top: [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ],
  bottom: [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
};

function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

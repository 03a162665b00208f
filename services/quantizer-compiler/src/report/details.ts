// What a quantization knows of itself beyond the figures that scripts rely on: the material of the readable page.
// It is plain data, made once by the compiler and only drawn by the page.

/** How often values fell into equal parts of [min, max]; counts[0] begins at min. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
}

/** An activation of the quantized model. */
export interface TensorDetail {
  readonly name: string;
  /** The operator that writes it; INPUT for an input of the model. */
  readonly op: string;
  /** The range that its integers stand for, in reals. */
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly zeroPoint: number;
  /** 10 log10 of the signal's power over the error's, the whole model before it quantized too; null where it was not measured. */
  readonly sqnrDb: number | null;
  /** Share of the float values outside the range, 0..1; null where it was not measured. */
  readonly clipped: number | null;
  /** How the range was chosen: minmax, percentile, mse, fixed, same as its input, ... */
  readonly method: string;
  /** The float values on the representative photos; null where none was kept. */
  readonly histogram: Histogram | null;
}

/** One class of the photos for comparison. */
export interface ClassDetail {
  readonly label: string;
  readonly images: number;
  readonly floatRight: number;
  readonly int8Right: number;
  /** Photos for which both models chose the same class. */
  readonly agree: number;
}

/** A photo on which the two models differ most. */
export interface WorstPhoto {
  readonly photo: string;
  /** The classes that the two models chose. */
  readonly float: string;
  readonly int8: string;
  /** Largest difference of a score. */
  readonly error: number;
}

/** What the page shows of a quantization. */
export interface QuantizeDetails {
  /** In the order of computation. */
  readonly tensors: readonly TensorDetail[];
  /** In the order of labels; empty when no photo has a known label. */
  readonly perClass: readonly ClassDetail[];
  /** The worst first, at most twenty; empty without photos for comparison. */
  readonly worst: readonly WorstPhoto[];
  /** Absolute differences of scores; null without photos for comparison. */
  readonly errorHistogram: Histogram | null;
}

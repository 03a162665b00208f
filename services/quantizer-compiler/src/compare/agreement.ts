// How alike two models answer, row of scores by row, and how often each is right. A classifier gives a photo one row, a
// segmentation one for each pixel. Ties go to the lowest index.

/**
 * Figures over all photos; `agreement` is the share of rows with the same best class. Top-1 shares are null while no photo has a
 * known label. Errors are in the units of the outputs.
 */
export interface AgreementFigures {
  readonly images: number;
  readonly floatTop1: number | null;
  readonly int8Top1: number | null;
  readonly agreement: number;
  readonly meanAbsError: number;
  readonly maxAbsError: number;
}

/** Collects the outputs of both models on the same photos. */
export class Agreement {
  #images = 0;
  #rows = 0;
  #labelled = 0;
  #floatRight = 0;
  #int8Right = 0;
  #same = 0;
  #absError = 0;
  #values = 0;
  #maxAbsError = 0;

  /** Counts a photo; its rows are added one by one. */
  addPhoto(): void {
    this.#images++;
  }

  /** Adds one row: both outputs as reals of the same length, and the right class, if known. */
  addRow(float: Float32Array, int8: Float32Array, label: number | null): void {
    const [floatBest, int8Best] = [topIndex(float), topIndex(int8)];
    this.#rows++;
    if (floatBest === int8Best) this.#same++;
    if (label !== null) {
      this.#labelled++;
      if (floatBest === label) this.#floatRight++;
      if (int8Best === label) this.#int8Right++;
    }
    float.forEach((value, index) => {
      const error = Math.abs(value - (int8[index] ?? 0));
      this.#absError += error;
      this.#maxAbsError = Math.max(this.#maxAbsError, error);
    });
    this.#values += float.length;
  }

  /** The figures so far. */
  figures(): AgreementFigures {
    const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
    return {
      images: this.#images,
      floatTop1: this.#labelled === 0 ? null : share(this.#floatRight, this.#labelled),
      int8Top1: this.#labelled === 0 ? null : share(this.#int8Right, this.#labelled),
      agreement: share(this.#same, this.#rows),
      meanAbsError: share(this.#absError, this.#values),
      maxAbsError: this.#maxAbsError,
    };
  }
}

/** Index of the greatest value, the lowest of several. */
export function topIndex(values: Float32Array): number {
  let best = 0;
  values.forEach((value, index) => {
    if (value > (values[best] ?? Number.NEGATIVE_INFINITY)) best = index;
  });
  return best;
}

// How alike two models answer, photo by photo, and how often each is right. Ties go to the lowest index.

/** Figures over all photos; top-1 shares are null while no photo has a known label. Errors are in the units of the outputs. */
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
  #labelled = 0;
  #floatRight = 0;
  #int8Right = 0;
  #same = 0;
  #absError = 0;
  #values = 0;
  #maxAbsError = 0;

  /** Adds one photo: both outputs as reals of the same length, and the right class, if known. */
  add(float: Float32Array, int8: Float32Array, label: number | null): void {
    const [floatBest, int8Best] = [topIndex(float), topIndex(int8)];
    this.#images++;
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
      agreement: share(this.#same, this.#images),
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

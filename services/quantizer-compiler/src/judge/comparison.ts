// How alike two classifiers answer: the figures over all photos, and for the page by class, by photo and by size of the error.
import { Agreement, topIndex } from '../compare/agreement.js';
import type { ClassDetail, Histogram, QuantizeDetails, WorstPhoto } from '../report/details.js';

const worstPhotos = 20;
const bars = 50;

/** Details of a quantization without photos for comparison. */
export const noComparison: Omit<QuantizeDetails, 'tensors'> = { perClass: [], worst: [], errorHistogram: null };

/** What both models say at one output: reals of the same length, rows of `channels` scores. */
export interface ComparedOutput {
  readonly float: Float32Array;
  readonly int8: Float32Array;
  readonly channels: number;
}

/** Collects the outputs of both models. The first is what classes are told by, if it is one row a photo. */
export class Comparison {
  readonly agreement = new Agreement();
  readonly #labels: readonly string[];
  readonly #perClass = new Map<number, { images: number; floatRight: number; int8Right: number; agree: number }>();
  readonly #errors = new Float64Array(bars);
  #worst: WorstPhoto[] = [];

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  /** Adds one photo: what both models say, and the right class, if known; of a segmentation no class is known. */
  add(photo: string, outputs: readonly ComparedOutput[], label: number | null): void {
    const [first] = outputs;
    const scores = first !== undefined && first.float.length === first.channels ? first : null;
    this.agreement.addPhoto();
    let greatest = 0;
    for (const output of outputs) {
      this.#addRows(output, output === scores ? label : null);
      greatest = Math.max(greatest, this.#addErrors(output));
    }
    const [best, int8Best] = scores === null ? [-1, -1] : [topIndex(scores.float), topIndex(scores.int8)];
    const name = (index: number): string => this.#labels[index] ?? (index < 0 ? '' : String(index));
    this.#worst.push({ photo, float: name(best), int8: name(int8Best), error: greatest });
    if (this.#worst.length >= 4 * worstPhotos) this.#worst = this.#worstOf();
    if (scores !== null && label !== null) this.#addToClass(label, best, int8Best);
  }

  #addRows({ float, int8, channels }: ComparedOutput, label: number | null): void {
    for (let row = 0; row < float.length; row += channels) {
      this.agreement.addRow(float.subarray(row, row + channels), int8.subarray(row, row + channels), label);
    }
  }

  /** Gives the greatest. */
  #addErrors({ float, int8 }: ComparedOutput): number {
    let greatest = 0;
    for (const [at, value] of float.entries()) {
      const error = Math.abs(value - (int8[at] ?? 0));
      greatest = Math.max(greatest, error);
      const bar = Math.min(bars - 1, Math.floor(error * bars));
      this.#errors[bar] = (this.#errors[bar] ?? 0) + 1;
    }
    return greatest;
  }

  #addToClass(label: number, best: number, int8Best: number): void {
    const row = this.#perClass.get(label) ?? { images: 0, floatRight: 0, int8Right: 0, agree: 0 };
    row.images++;
    if (best === label) row.floatRight++;
    if (int8Best === label) row.int8Right++;
    if (best === int8Best) row.agree++;
    this.#perClass.set(label, row);
  }

  /** What the page shows. */
  details(): Omit<QuantizeDetails, 'tensors'> {
    const perClass: ClassDetail[] = [...this.#perClass]
      .toSorted(([a], [b]) => a - b)
      .map(([label, row]) => ({ label: this.#labels[label] ?? String(label), ...row }));
    const errorHistogram: Histogram = { min: 0, max: 1, counts: [...this.#errors] };
    return { perClass, worst: this.#worstOf(), errorHistogram };
  }

  #worstOf(): WorstPhoto[] {
    return this.#worst.toSorted((a, b) => b.error - a.error).slice(0, worstPhotos);
  }
}

// How alike two classifiers answer: the figures over all photos, and for the page by class, by photo and by size of the error.
import { Agreement, topIndex } from '../compare/agreement.js';
import type { ClassDetail, Histogram, QuantizeDetails, WorstPhoto } from '../report/details.js';

const worstPhotos = 20;
const bars = 50;

/** Details of a quantization without photos for comparison. */
export const noComparison: Omit<QuantizeDetails, 'tensors'> = { perClass: [], worst: [], errorHistogram: null };

/** Collects the outputs of both models; a photo may have several rows of scores, one for each pixel of a segmentation. */
export class Comparison {
  readonly agreement = new Agreement();
  readonly #labels: readonly string[];
  readonly #channels: number;
  readonly #perClass = new Map<number, { images: number; floatRight: number; int8Right: number; agree: number }>();
  readonly #errors = new Float64Array(bars);
  #worst: WorstPhoto[] = [];

  /** `channels` is the size of a row of scores. */
  constructor(labels: readonly string[], channels: number) {
    this.#labels = labels;
    this.#channels = channels;
  }

  /** Adds one photo: both outputs as reals, and the right class, if known; of a segmentation no class is known. */
  add(photo: string, float: Float32Array, int8: Float32Array, label: number | null): void {
    const channels = this.#channels;
    const isClassifier = float.length === channels;
    const known = isClassifier ? label : null;
    for (let row = 0; row < float.length; row += channels) {
      this.agreement.add(float.subarray(row, row + channels), int8.subarray(row, row + channels), known);
    }
    let greatest = 0;
    float.forEach((value, at) => {
      const error = Math.abs(value - (int8[at] ?? 0));
      greatest = Math.max(greatest, error);
      const bar = Math.min(bars - 1, Math.floor(error * bars));
      this.#errors[bar] = (this.#errors[bar] ?? 0) + 1;
    });
    const [best, int8Best] = isClassifier ? [topIndex(float), topIndex(int8)] : [-1, -1];
    const name = (index: number): string => this.#labels[index] ?? (index < 0 ? '' : String(index));
    this.#worst.push({ photo, float: name(best), int8: name(int8Best), error: greatest });
    if (this.#worst.length >= 4 * worstPhotos) this.#worst = this.#worstOf();
    if (known === null) return;
    const row = this.#perClass.get(known) ?? { images: 0, floatRight: 0, int8Right: 0, agree: 0 };
    row.images++;
    if (best === known) row.floatRight++;
    if (int8Best === known) row.int8Right++;
    if (best === int8Best) row.agree++;
    this.#perClass.set(known, row);
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

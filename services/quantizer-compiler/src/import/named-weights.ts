// Weights of .h5 files and layers-models go by names such as "conv/kernel:0", "lstm/lstm_cell/bias" or "model/block/conv/kernel".
// They are found by the layer's name in them. A layer that was renamed after it was made keeps its old names: then the order
// decides, as it does when Keras loads such a file.
import type { KerasLayer, KerasWeight } from './keras-model.js';
import { isTrainable, leafLayers, storedNames, weightNames } from './weight-names.js';

/** A weight with the name that the file gives it. */
export interface NamedWeight extends KerasWeight {
  readonly name: string;
}

/** Finds the weights of `layers`, and of the layers inside them, among `entries`. */
export class NamedWeights {
  /** Entries under "SEGMENT/NAME" for every segment of a name before its last. */
  readonly #bySegment = new Map<string, NamedWeight[]>();
  readonly #byOrder: ReadonlyMap<string, NamedWeight>;

  constructor(entries: readonly NamedWeight[], layers: readonly KerasLayer[]) {
    for (const entry of entries) {
      const segments = segmentsOf(entry.name);
      const short = segments.pop() ?? '';
      for (const segment of new Set(segments)) {
        const key = `${segment}/${short}`;
        const found = this.#bySegment.get(key) ?? [];
        found.push(entry);
        this.#bySegment.set(key, found);
      }
    }
    this.#byOrder = inKerasOrder(entries, layers);
  }

  /** The weight of a layer, or null. */
  find(layer: KerasLayer, name: string): KerasWeight | null {
    // Names of layers may have slashes themselves.
    const last = segmentsOf(layer.name).at(-1) ?? '';
    for (const stored of storedNames(name)) {
      const found = (this.#bySegment.get(`${last}/${stored}`) ?? []).filter(({ name: full }) =>
        `/${full}`.includes(`/${layer.name}/`),
      );
      const matching = name.includes('/') ? found.filter(ofDirection(name)) : found;
      const best = matching.length < 2 ? matching[0] : nearest(matching, layer.path);
      if (best !== undefined) return best;
    }
    return this.#byOrder.get(`${layer.path} ${name}`) ?? null;
  }
}

function segmentsOf(name: string): string[] {
  return name.replace(/:\d+$/, '').split('/');
}

/** "forward/kernel" is the kernel of the layer "forward_lstm". */
function ofDirection(name: string): (entry: NamedWeight) => boolean {
  const start = `${name.split('/')[0] ?? ''}_`;
  return (entry) => segmentsOf(entry.name).some((segment) => segment.startsWith(start));
}

/** The entry whose name shares most segments with the path of the layer, and has fewest others. */
function nearest(entries: readonly NamedWeight[], path: string): NamedWeight | undefined {
  const wanted = new Set(path.split('/'));
  const score = (entry: NamedWeight): number => {
    const segments = segmentsOf(entry.name);
    return segments.filter((one) => wanted.has(one)).length - segments.length / 1000;
  };
  return entries.reduce((best, entry) => (score(entry) > score(best) ? entry : best));
}

/** Keras lists what training changes first, then the rest; all of a frozen layer counts as the rest. */
function inKerasOrder(
  entries: readonly NamedWeight[],
  layers: readonly KerasLayer[],
): ReadonlyMap<string, NamedWeight> {
  const all = leafLayers(layers).flatMap((layer) =>
    weightNames(layer).map((one) => ({
      key: `${layer.path} ${one.name}`,
      changes: one.trainable && isTrainable(layer),
    })),
  );
  const ordered = [...all.filter(({ changes }) => changes), ...all.filter(({ changes }) => !changes)];
  if (ordered.length !== entries.length) return new Map();
  return new Map(ordered.flatMap(({ key }, index) => (entries[index] === undefined ? [] : [[key, entries[index]]])));
}

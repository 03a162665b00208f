import type { LayerOps } from '../layer-ops.js';
import type { LayerSettings } from '../layer-settings.js';

/** Turns one call of a layer into operations: from its inputs, of which there is at least one, to its output. */
export type LayerImporter = (layer: LayerSettings, inputs: readonly [number, ...number[]], ops: LayerOps) => number;

/** Importers of a family of layers by Keras' class names. */
export type ImporterTable = Readonly<Record<string, LayerImporter>>;

/** An axis counted from the front; the batch is axis 0. */
export function axisOf(axis: number, rank: number, layer: LayerSettings): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && positive > 0 && positive < rank) return positive;
  throw layer.fault(`works along axis ${axis} of ${rank} dimensions`);
}

/** Refuses a value of another rank than the layer works on. */
export function expectRank(rank: number, shape: readonly number[], layer: LayerSettings): void {
  if (shape.length !== rank) throw layer.fault(`cannot follow an input of shape [${shape.join(', ')}]`);
}

import { transparentInput } from './affine.js';
import type { Motion } from './affine.js';
import type { View } from './rule.js';
import { padsNothing, weightedOf } from './weighted.js';
import type { Weighted } from './weighted.js';

/** Where the ways of a value end. */
export interface Sinks {
  /** The operations with weights that take a factor or addend of the value into their weights or bias. */
  readonly targets: readonly Weighted[];
  /** Every value on the way, the first one included. */
  readonly values: readonly number[];
}

/** The operations that take `affine` in, one for every way that a value goes; null when one way has none. */
export function sinksOf(view: View, index: number, affine: Motion): Sinks | null {
  if (view.outputs.has(index)) return null;
  const targets: Weighted[] = [];
  const values = [index];
  for (const reader of view.readers.get(index) ?? []) {
    const weighted = weightedOf(view.graph, reader);
    if (weighted !== null) {
      const takes =
        weighted.input === index &&
        weighted.inChannels % affine.period === 0 &&
        (affine.kind === 'scale' || padsNothing(view.graph, reader));
      if (!takes) return null;
      targets.push(weighted);
      continue;
    }
    if (transparentInput(view.graph, reader, affine) !== index) return null;
    const beyond = sinksOf(view, reader.outputs[0] ?? -1, affine);
    if (beyond === null) return null;
    targets.push(...beyond.targets);
    values.push(...beyond.values);
  }
  return { targets, values };
}

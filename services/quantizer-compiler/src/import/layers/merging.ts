// Layers that make one value of several.
import type { BinaryKind, LayerOps } from '../layer-ops.js';
import { notFused } from './activations.js';
import { axisOf } from './importer.js';
import type { ImporterTable, LayerImporter } from './importer.js';

const chain =
  (kind: BinaryKind): LayerImporter =>
  (layer, inputs, ops) => {
    layer.refuseUnless(inputs.length > 1, 'is given one value; two or more are needed');
    return folded(kind, inputs, ops);
  };

function folded(kind: BinaryKind, inputs: readonly [number, ...number[]], ops: LayerOps): number {
  const [first, ...rest] = inputs;
  return rest.reduce((sum, input) => ops.binary(kind, sum, input), first);
}

const subtract: LayerImporter = (layer, inputs, ops) => {
  layer.refuseUnless(inputs.length === 2, `is given ${inputs.length} values; two are needed`);
  return folded('SUB', inputs, ops);
};

const average: LayerImporter = (layer, inputs, ops) => {
  layer.refuseUnless(inputs.length > 1, 'is given one value; two or more are needed');
  return ops.scaled(folded('ADD', inputs, ops), 1 / inputs.length, 'share');
};

const concatenate: LayerImporter = (layer, inputs, ops) => {
  const axis = axisOf(layer.number('axis', -1), ops.shape(inputs[0]).length, layer);
  return joined(inputs, axis, ops);
};

/** Joins values along an axis. */
export function joined(inputs: readonly number[], axis: number, ops: LayerOps): number {
  const [only, ...more] = inputs;
  if (only !== undefined && more.length === 0) return only;
  return ops.add('CONCATENATION', inputs, { type: 'ConcatenationOptions', axis, activation: notFused });
}

/** Layers of several inputs. */
export const mergingLayers: ImporterTable = {
  Add: chain('ADD'),
  Subtract: subtract,
  Multiply: chain('MUL'),
  Average: average,
  Maximum: chain('MAXIMUM'),
  Minimum: chain('MINIMUM'),
  Concatenate: concatenate,
};

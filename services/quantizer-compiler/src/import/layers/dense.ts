import { elementCount } from '../../graph/graph.js';
import type { LayerOps } from '../layer-ops.js';
import { activation, notFused } from './activations.js';
import { channelsFirst } from './convolutions.js';
import type { ImporterTable, LayerImporter } from './importer.js';

/** x * kernel + bias along the last axis, whatever lies before it. */
const dense: LayerImporter = (layer, [input], ops) => {
  const [depth = 1, units = 1] = layer.weightShape('kernel');
  const shape = ops.shape(input);
  if (shape.at(-1) !== depth) throw layer.fault(`takes ${depth} values after a value of shape [${shape.join(', ')}]`);
  const kernel = ops.floats('kernel', [units, depth], () =>
    channelsFirst(layer.weight('kernel', [null, null]).data, units),
  );
  const bias = ops.floats('bias', [units], () => layer.bias(units));
  // FULLY_CONNECTED with more than two dimensions needs a newer operator than the Edge TPU compiler takes.
  const flat = ops.reshape(input, [elementCount(shape) / depth, depth], 'flat');
  const output = fullyConnected(flat, kernel, bias, ops);
  return activation(layer, ops.reshape(output, [...shape.slice(0, -1), units], 'shaped'), ops);
};

/** input [n, depth] * kernel [units, depth] + bias [units]. */
export function fullyConnected(input: number, kernel: number, bias: number, ops: LayerOps): number {
  return ops.add(
    'FULLY_CONNECTED',
    [input, kernel, bias],
    {
      type: 'FullyConnectedOptions',
      activation: notFused,
      weightsFormat: 0,
      keepNumDims: false,
      asymmetricQuantizeInputs: false,
      quantizedBiasType: 0,
    },
    'linear',
  );
}

/** Dense layers. */
export const denseLayers: ImporterTable = { Dense: dense };

import { activationLayers } from './activations.js';
import { convolutionLayers } from './convolutions.js';
import { denseLayers } from './dense.js';
import type { LayerImporter } from './importer.js';
import { mergingLayers } from './merging.js';
import { passingLayers } from './passing.js';
import { poolingLayers } from './pooling.js';
import { recurrentLayers } from './recurrent.js';
import { scalingLayers } from './scaling.js';
import { shapingLayers } from './shaping.js';

/** The layer classes that can be imported. */
export const importers: ReadonlyMap<string, LayerImporter> = new Map(
  Object.entries({
    ...convolutionLayers,
    ...denseLayers,
    ...poolingLayers,
    ...scalingLayers,
    ...activationLayers,
    ...mergingLayers,
    ...shapingLayers,
    ...recurrentLayers,
    ...passingLayers,
  }),
);

/** What to do instead of some classes that cannot be imported. */
export const advice: ReadonlyMap<string, string> = new Map([
  ['Lambda', 'it holds Python code; write it with layers'],
  ['LayerNormalization', 'int8 has no operation for it; BatchNormalization folds away'],
  ['GroupNormalization', 'int8 has no operation for it; BatchNormalization folds away'],
  ['MultiHeadAttention', 'int8 has no operation for it'],
  ['TimeDistributed', 'Dense and Conv1D work on every step by themselves'],
  ['TensorFlowOpLayer', 'save the model with Keras 2.15 or 3'],
  ['Embedding', 'a model that takes pictures or numbers is needed'],
  ['Conv3D', 'pictures have two dimensions'],
]);

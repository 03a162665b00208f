// `.h5` as Keras 2 and 3 write it: the topology is an attribute of the root, weights are datasets below
// /model_weights/LAYER, listed in Keras' order by the attribute weight_names. Layers inside a nested model lie in its group.
import { AtollError } from '@atoll/base/error';
import { withHdf5 } from './hdf5-file.js';
import type { Hdf5File } from './hdf5-file.js';
import type { KerasLayer, KerasModel, KerasTopology } from './keras-model.js';
import { NamedWeights } from './named-weights.js';
import { parseTopology } from './topology.js';
import { parseJson, quoted } from './topology-json.js';
import { leafLayers } from './weight-names.js';

/** Reads a Keras `.h5` file for as long as `use` runs; INVALID_ARGUMENT when it is none, DATA_LOSS when parts are missing. */
export async function withKerasH5<T>(bytes: Uint8Array, file: string, use: (model: KerasModel) => T): Promise<T> {
  return await withHdf5(bytes, file, (h5) => {
    const config = h5.text('', 'model_config');
    if (config === undefined) {
      const why =
        h5.names('model_weights').length === 0 && h5.texts('', 'layer_names') === undefined
          ? 'it is not a Keras model'
          : 'it holds weights without a topology';
      throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
    }
    const topology = parseTopology(parseJson(config, 'its topology', file), file);
    return use({
      file,
      kerasVersion: h5.text('', 'keras_version'),
      topology,
      weight: weightFinder(h5, topology, file),
    });
  });
}

function weightFinder(h5: Hdf5File, topology: KerasTopology, file: string): KerasModel['weight'] {
  const groups = new Map<string, NamedWeights>();
  const outermost = new Map<KerasLayer, KerasLayer>();
  for (const layer of topology.layers) for (const leaf of leafLayers([layer])) outermost.set(leaf, layer);
  return (layer, name) => {
    const outer = outermost.get(layer) ?? layer;
    const group = groups.get(outer.name) ?? readGroup(h5, outer, file);
    groups.set(outer.name, group);
    return group.find(layer, name);
  };
}

function readGroup(h5: Hdf5File, layer: KerasLayer, file: string): NamedWeights {
  const path = `model_weights/${layer.name}`;
  const entries = (h5.texts(path, 'weight_names') ?? []).map((name) => {
    const weight = h5.weight(`${path}/${name}`);
    if (weight === null) {
      throw new AtollError(
        'DATA_LOSS',
        `cannot import ${file}: weight ${quoted(name)} of layer ${layer.path} is missing`,
      );
    }
    return { name, ...weight };
  });
  return new NamedWeights(entries, [layer]);
}

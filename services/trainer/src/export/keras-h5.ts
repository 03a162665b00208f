/** Writes model.h5 as Keras 2 does: description in attributes of the root, weights below `model_weights/LAYER/LAYER/NAME:0`. */
import { open, rename, rm } from 'node:fs/promises';
import { File, type Group, ready } from 'h5wasm/node';
import { AtollError } from '@atoll/base/error';
import { syncDirectory, temporaryBeside } from '@atoll/base/files';
import { dirname } from 'node:path';
import type { Network } from '../model/network.js';
import type { Weight } from '../model/weights.js';
import { kerasModelConfig, kerasTrainingConfig, kerasVersion } from './keras-config.js';

/** Writes the file so that it appears whole; Keras's `load_model` opens it. */
export async function writeKerasH5(
  path: string,
  network: Network,
  weights: readonly Weight[],
  learningRate: number,
): Promise<void> {
  await ready;
  const temporary = temporaryBeside(path);
  try {
    writeH5(temporary, network, weights, learningRate);
    await syncFile(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

function writeH5(path: string, network: Network, weights: readonly Weight[], learningRate: number): void {
  const file = new File(path, 'w');
  let closed = -1;
  try {
    writeModel(file, network, weights, learningRate);
  } finally {
    closed = file.close();
  }
  // HDF5 keeps bytes back until here; a disk that is full shows itself by this status alone.
  if (closed < 0)
    throw new AtollError('RESOURCE_EXHAUSTED', "cannot write the model's .h5 file: not all its bytes could be written");
}

function writeModel(file: File, network: Network, weights: readonly Weight[], learningRate: number): void {
  identify(file);
  file.create_attribute('model_config', JSON.stringify(kerasModelConfig(network)));
  file.create_attribute('training_config', JSON.stringify(kerasTrainingConfig(learningRate)));
  const all = file.create_group('model_weights');
  identify(all);
  const names = network.layers.map((layer) => layer.name);
  all.create_attribute('layer_names', names);
  for (const name of names) writeLayer(all, name, weights);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function writeLayer(all: Group, layer: string, weights: readonly Weight[]): void {
  const group = all.create_group(layer);
  const own = weights.filter((weight) => weight.layer === layer);
  const names = own.map((weight) => `${layer}/${weight.name}:0`);
  if (own.length === 0) {
    // An empty list has no type to guess; Keras reads an empty float list as no names.
    group.create_attribute('weight_names', new Float64Array(0), [0]);
    return;
  }
  group.create_attribute('weight_names', names);
  const inner = group.create_group(layer);
  for (const { name, values, shape } of own) {
    inner.create_dataset({ name: `${name}:0`, data: values, shape: [...shape], dtype: '<f4' });
  }
}

function identify(group: Group): void {
  group.create_attribute('backend', 'tensorflow');
  group.create_attribute('keras_version', kerasVersion);
}

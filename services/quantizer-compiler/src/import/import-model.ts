import { AtollError } from '@atoll/base/error';
import type { Graph } from '../graph/graph.js';
import { readFloatTfLite } from './float-tflite.js';
import { graphOfKeras } from './graph-of-keras.js';
import { withKerasArchive } from './keras-archive.js';
import { withKerasH5 } from './keras-h5.js';
import { readLayersModel } from './layers-model.js';
import type { ModelFiles } from './layers-model.js';

/** Turns the files of a model into a graph: one .h5, .keras or .tflite, or model.json with its weight files. */
export async function importModel(files: ModelFiles): Promise<Graph> {
  const names = [...files.keys()];
  const pick = (...endings: readonly string[]): readonly [string, Uint8Array] | undefined =>
    [...files].find(([name]) => endings.some((ending) => name.toLowerCase().endsWith(ending)));
  const [json, h5, archive, tflite] = [pick('.json'), pick('.h5', '.hdf5'), pick('.keras'), pick('.tflite')];
  if (json !== undefined) return graphOfKeras(readLayersModel(json[1], files, json[0]));
  if (h5 !== undefined) return await withKerasH5(h5[1], h5[0], graphOfKeras);
  if (archive !== undefined) return await withKerasArchive(archive[1], archive[0], graphOfKeras);
  if (tflite !== undefined) return readFloatTfLite(tflite[1], tflite[0]);
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot import ${names.length === 0 ? 'a model without files' : names.join(', ')}: a .h5, a .keras, a float .tflite or a layers-model (model.json with its weight files) is needed`,
  );
}

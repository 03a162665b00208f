import { AtollError } from '@atoll/base/error';
import type { Graph } from '../graph/graph.js';
import { readFloatTfLite } from './float-tflite.js';
import { readKerasH5 } from './keras-h5.js';
import { graphOfKeras } from './keras-layers.js';
import { readLayersModel } from './layers-model.js';
import type { ModelFiles } from './layers-model.js';

/** Turns the files of a model into a graph: one .h5 or .tflite, or model.json with its weight files. */
export async function importModel(files: ModelFiles): Promise<Graph> {
  const names = [...files.keys()];
  const pick = (ending: string): readonly [string, Uint8Array] | undefined =>
    [...files].find(([name]) => name.toLowerCase().endsWith(ending));
  const [json, h5, tflite] = [pick('.json'), pick('.h5'), pick('.tflite')];
  if (json !== undefined) return graphOfKeras(readLayersModel(json[1], files, json[0]));
  if (h5 !== undefined) return graphOfKeras(await readKerasH5(h5[1], h5[0]));
  if (tflite !== undefined) return readFloatTfLite(tflite[1], tflite[0]);
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot import ${names.length === 0 ? 'a model without files' : names.join(', ')}: a .h5, a float .tflite or a layers-model (model.json with its weight files) is needed`,
  );
}

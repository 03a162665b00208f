// A float .tflite as a graph. What the compiler cannot take is refused by its name, with what to do about it; shapes that the file
// leaves open follow from the shape of the input, as a runtime has them.
import { AtollError } from '@atoll/base/error';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import type { Graph } from '../graph/graph.js';
import { denseOverRows } from './dense-over-rows.js';
import { plainNearestResize } from './nearest-resize.js';
import { staticShapes } from './static-shapes.js';
import { tfliteOps } from './tflite-ops.js';
import { tfliteValues } from './tflite-values.js';

/** Reads a float .tflite file. INVALID_ARGUMENT names the operator or tensor that cannot be taken, and why. */
export function readFloatTfLite(bytes: Uint8Array, file: string): Graph {
  const model = readModel(bytes, file);
  const main = mainSubgraph(model);
  const size = main.operators.length + main.tensors.length;
  if (size > maxParts) throw refusal(file, `${size} operators and tensors are above ${maxParts}`);
  const ops = tfliteOps(model, file);
  if (model.subgraphs.length > 1) throw refusal(file, `it has ${model.subgraphs.length} subgraphs; one is supported`);
  const values = tfliteValues(model, file);
  const { inputs, outputs } = main;
  const graph = { name: main.name === '' ? 'main' : main.name, values, ops, inputs, outputs };
  return plainNearestResize(denseOverRows(staticShapes(graph, openTensors(model), file)));
}

/** Fifty times what large image models have; passes may look at every operator once for each. */
const maxParts = 50_000;

/** Tensors of which the file leaves a size open. */
function openTensors(model: TfLiteModel): ReadonlySet<number> {
  return new Set(
    mainSubgraph(model).tensors.flatMap(({ shapeSignature, hasRank, shape }, index) =>
      shapeSignature.includes(-1) || (!hasRank && shape.length === 0) ? [index] : [],
    ),
  );
}

function refusal(file: string, why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${why}`);
}

import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { mainSubgraph } from '@atoll/tflite/model';
import type { ConstantData, Graph } from '../graph/graph.js';

/**
 * The graph with its constants as views of the file that it was just written to: a large model's weights are then in memory
 * once, not twice. Tensor i of the file is value i of the graph.
 */
export function readBackConstants(graph: Graph, file: Uint8Array): Graph {
  const model = readModel(file, 'the float model');
  return {
    ...graph,
    values: graph.values.map((value, index) =>
      value.data === null ? value : { ...value, data: viewLike(value.data, bytesOf(model, index)) },
    ),
  };
}

function bytesOf(model: TfLiteModel, index: number): Uint8Array {
  return model.buffers[mainSubgraph(model).tensors[index]?.buffer ?? 0] ?? new Uint8Array();
}

/** The elements themselves where their place in the file does not suit their size. */
function viewLike(data: ConstantData, { buffer, byteOffset, length }: Uint8Array): ConstantData {
  if (length !== data.byteLength || byteOffset % data.BYTES_PER_ELEMENT !== 0) return data;
  if (data instanceof Float32Array) return new Float32Array(buffer, byteOffset, data.length);
  if (data instanceof Int32Array) return new Int32Array(buffer, byteOffset, data.length);
  if (data instanceof Uint16Array) return new Uint16Array(buffer, byteOffset, data.length);
  if (data instanceof Int8Array) return new Int8Array(buffer, byteOffset, data.length);
  return new Uint8Array(buffer, byteOffset, data.length);
}

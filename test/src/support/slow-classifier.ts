/**
 * A tiny classifier that works hard first: convolutions over the picture, blown up, before the network itself. Its inputs and
 * outputs are those of the tiny one, its run takes many times as long, and it answers the same at every run.
 */
import type { Operator, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';

const size = 16;
const blownUp = 128;
const channels = 64;
const resizeCode = 97;
const convCode = 3;
const averagePoolCode = 1;

/** The bytes of one with `layers` inner convolutions of 128 x 128 x 64 each: about 0.6 billion products a layer. */
export function slowClassifier(seed: number, layers: number): Uint8Array {
  const tiny = readModel(tinyClassifier({ seed, size, classes: 6, io: 'uint8' }), 'tiny');
  const main = mainSubgraph(tiny);
  const [quantize, ...rest] = main.operators;
  const picture = main.tensors[1];
  if (quantize === undefined || picture === undefined) throw new Error('the tiny classifier has changed');
  const codes = tiny.operatorCodes.length;
  const buffers = [...tiny.buffers];
  const tensors: Tensor[] = [...main.tensors];
  const operators: Operator[] = [];
  const add = (name: string, shape: number[], change: Partial<Tensor> = {}): number =>
    tensors.push({ ...picture, name, shape, buffer: 0, ...change }) - 1;
  const constant = (name: string, type: Tensor['type'], shape: number[], bytes: Uint8Array, scale?: number): number => {
    const quantization = scale === undefined ? null : quantized(picture, scale, 0);
    return add(name, shape, { type, buffer: buffers.push(bytes) - 1, quantization });
  };
  const operate = (opcode: number, inputs: number[], output: number, options: Operator['options']): number => {
    operators.push({ ...quantize, opcode: codes + opcode, inputs, outputs: [output], options });
    return output;
  };

  const edges = constant('edges', 'int32', [2], bytesOf(Int32Array.of(blownUp, blownUp)));
  let at = operate(0, [1, edges], add('blown-up', [1, blownUp, blownUp, 3]), {
    type: 'ResizeNearestNeighborOptions',
    alignCorners: false,
    halfPixelCenters: false,
  });
  let depth = 3;
  for (let layer = 0; layer <= layers + 1; layer++) {
    const last = layer === layers + 1;
    const wide = last ? 3 : channels;
    const weightScale = 1 / (64 * Math.sqrt(9 * depth));
    const weights = Int8Array.from({ length: wide * 9 * depth }, (_, i) => ((i * 37 + layer * 11) % 255) - 127);
    const kernel = constant(`weights-${layer}`, 'int8', [wide, 3, 3, depth], bytesOf(weights), weightScale);
    const scale = 1 / 255;
    const bias = constant(`bias-${layer}`, 'int32', [wide], bytesOf(new Int32Array(wide)), scale * weightScale);
    at = operate(1, [at, kernel, bias], add(`conv-${layer}`, [1, blownUp, blownUp, wide]), {
      type: 'Conv2DOptions',
      padding: 0,
      strideW: 1,
      strideH: 1,
      activation: 0,
      dilationW: 1,
      dilationH: 1,
      quantizedBiasType: 0,
    });
    depth = wide;
  }
  const step = blownUp / size;
  at = operate(2, [at], add('shrunk', [1, size, size, 3]), {
    type: 'Pool2DOptions',
    padding: 1,
    strideW: step,
    strideH: step,
    filterWidth: step,
    filterHeight: step,
    activation: 0,
  });
  const after = rest.map((operator, i) =>
    i === 0 ? { ...operator, inputs: [at, ...operator.inputs.slice(1)] } : operator,
  );
  const model: TfLiteModel = {
    ...tiny,
    operatorCodes: [
      ...tiny.operatorCodes,
      { code: resizeCode, customCode: '', version: 2 },
      { code: convCode, customCode: '', version: 3 },
      { code: averagePoolCode, customCode: '', version: 2 },
    ],
    subgraphs: [{ ...main, tensors, operators: [quantize, ...operators, ...after] }],
    buffers,
  };
  return writeModel(model);
}

function quantized(like: Tensor, scale: number, zeroPoint: number): Tensor['quantization'] {
  const { quantization } = like;
  return quantization && { ...quantization, scale: [scale], zeroPoint: [zeroPoint] };
}

function bytesOf(values: Int8Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

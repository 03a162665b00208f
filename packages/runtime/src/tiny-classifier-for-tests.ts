/*
 * A small real image classifier for tests: RESHAPE, FULLY_CONNECTED, SOFTMAX, fully int8, its weights drawn from a seed, so
 * that two seeds give two models that answer differently and one seed gives the same bytes everywhere.
 */
import type { TensorType } from '@atoll/tflite/enums';
import type { Operator, Quantization, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { writeModel } from '@atoll/tflite/write';

/** What to make: pictures of size x size RGB, `classes` scores, and the type of input and output. */
export interface TinyClassifier {
  readonly seed: number;
  readonly size: number;
  readonly classes: number;
  readonly io: 'uint8' | 'int8';
}

const quantizeCode = 114;
const reshapeCode = 22;
const fullyConnectedCode = 9;
const softmaxCode = 25;
const pixelScale = 1 / 255;
const logitScale = 0.1;

/** The bytes of the model file. */
export function tinyClassifier({ seed, size, classes, io }: TinyClassifier): Uint8Array {
  const pixels = size * size * 3;
  // Weights are uniform, so this puts the logits' deviation at about 3 and scores neither saturate nor agree.
  const weightScale = Math.fround(3 / (73 * Math.sqrt(pixels / 3)));
  const next = random(seed);
  const weights = Int8Array.from({ length: classes * pixels }, () => Math.round(next() * 254) - 127);
  const bias = Int32Array.from({ length: classes }, () => Math.round((next() - 0.5) * 200));
  const picture = [1, size, size, 3];
  const tensors: Tensor[] = [
    tensor('image', io, picture, 0, pixelScale, io === 'uint8' ? 0 : -128),
    tensor('image/int8', 'int8', picture, 0, pixelScale, -128),
    tensor('shape', 'int32', [2], 1),
    tensor('flat', 'int8', [1, pixels], 0, pixelScale, -128),
    tensor('weights', 'int8', [classes, pixels], 2, weightScale, 0),
    tensor('bias', 'int32', [classes], 3, pixelScale * weightScale, 0),
    tensor('logits', 'int8', [1, classes], 0, logitScale, 0),
    tensor('scores/int8', 'int8', [1, classes], 0, 1 / 256, -128),
    tensor('scores', io, [1, classes], 0, 1 / 256, io === 'uint8' ? 0 : -128),
  ];
  const [first, last] = io === 'uint8' ? [1, 8] : [0, 7];
  const core: Operator[] = [
    operator(1, [first, 2], [3], { type: 'ReshapeOptions', newShape: [1, pixels] }),
    operator(2, [3, 4, 5], [6], {
      type: 'FullyConnectedOptions',
      activation: 0,
      weightsFormat: 0,
      keepNumDims: false,
      asymmetricQuantizeInputs: false,
      quantizedBiasType: 0,
    }),
    operator(3, [6], [7], { type: 'SoftmaxOptions', beta: 1 }),
  ];
  const wrapped = [
    operator(0, [0], [1], { type: 'QuantizeOptions' }),
    ...core,
    operator(0, [7], [8], { type: 'QuantizeOptions' }),
  ];
  const model: TfLiteModel = {
    description: `tiny classifier ${seed}`,
    operatorCodes: [
      { code: quantizeCode, customCode: '', version: 1 },
      { code: reshapeCode, customCode: '', version: 1 },
      { code: fullyConnectedCode, customCode: '', version: 4 },
      { code: softmaxCode, customCode: '', version: 2 },
    ],
    subgraphs: [{ name: 'main', tensors, inputs: [0], outputs: [last], operators: io === 'uint8' ? wrapped : core }],
    buffers: [new Uint8Array(0), bytesOf(Int32Array.of(1, pixels)), bytesOf(weights), bytesOf(bias)],
    metadata: [],
    signatures: [],
  };
  return writeModel(model);
}

function tensor(
  name: string,
  type: TensorType,
  shape: number[],
  buffer: number,
  scale?: number,
  zeroPoint = 0,
): Tensor {
  const quantization: Quantization | null =
    scale === undefined
      ? null
      : { min: [], max: [], scale: [scale], zeroPoint: [zeroPoint], dimension: 0, details: null };
  return {
    name,
    type,
    shape,
    buffer,
    quantization,
    isVariable: false,
    shapeSignature: [],
    hasRank: true,
    sparsity: null,
    variantTensors: [],
  };
}

function operator(opcode: number, inputs: number[], outputs: number[], options: Operator['options']): Operator {
  return { opcode, inputs, outputs, options, customOptions: new Uint8Array(0), mutatingInputs: [], intermediates: [] };
}

function bytesOf(values: Int8Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Numbers in [0, 1) from a seed: the low-bias 32-bit mix of a counter. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  };
}

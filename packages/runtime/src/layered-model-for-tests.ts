/*
 * A real model of several equal layers (int8 CONV_2D with RELU) for tests, and the same model cut in two: what the first part
 * gives, the second takes. Weights are drawn from a seed.
 */
import type { Operator, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { mainSubgraph } from '@atoll/tflite/model';
import { writeModel } from '@atoll/tflite/write';

/** What to make: `layers` convolutions of 3x3 over side x side x channels. */
export interface LayeredModel {
  readonly seed: number;
  readonly layers: number;
  readonly side: number;
  readonly channels: number;
}

const conv2d = 3;
const activationScale = 0.05;

/** The model; write it with writeModel. */
export function layeredModel({ seed, layers, side, channels }: LayeredModel): TfLiteModel {
  const shape = [1, side, side, channels];
  const weightScale = Math.fround(1 / (40 * Math.sqrt(9 * channels)));
  let state = seed;
  const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
  const buffers: Uint8Array[] = [new Uint8Array(0)];
  const tensors: Tensor[] = [tensor('layer 0', 'int8', shape, 0, activationScale, -10)];
  const operators: Operator[] = [];
  let from = 0;
  for (let layer = 1; layer <= layers; layer++) {
    const weights = Int8Array.from({ length: channels * 9 * channels }, () => Math.round(next() * 254) - 127);
    const bias = Int32Array.from({ length: channels }, () => Math.round(next() * 400) - 200);
    const put = (bytes: Int8Array | Int32Array): number =>
      buffers.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) - 1;
    const filter = tensor(`weights ${layer}`, 'int8', [channels, 3, 3, channels], put(weights), weightScale, 0);
    const offset = tensor(`bias ${layer}`, 'int32', [channels], put(bias), activationScale * weightScale, 0);
    const output = tensor(`layer ${layer}`, 'int8', shape, 0, activationScale, -10);
    const to = tensors.push(filter, offset, output) - 1;
    operators.push({
      opcode: 0,
      inputs: [from, to - 2, to - 1],
      outputs: [to],
      options: {
        type: 'Conv2DOptions',
        padding: 0,
        strideW: 1,
        strideH: 1,
        activation: 0,
        dilationW: 1,
        dilationH: 1,
        quantizedBiasType: 0,
      },
      customOptions: new Uint8Array(0),
      mutatingInputs: [],
      intermediates: [],
    });
    from = to;
  }
  return {
    description: `layers of seed ${seed}`,
    operatorCodes: [{ code: conv2d, customCode: '', version: 3 }],
    subgraphs: [{ name: 'main', tensors, inputs: [0], outputs: [from], operators }],
    buffers,
    metadata: [],
    signatures: [],
  };
}

/** The files of the parts of a model of one chain of operators: those before the operator `at`, and the others. */
export function cutModel(model: TfLiteModel, at: number): readonly [first: Uint8Array, second: Uint8Array] {
  const graph = mainSubgraph(model);
  const [before, behind] = [graph.operators.slice(0, at), graph.operators.slice(at)];
  const read = new Set(behind.flatMap(({ inputs }) => inputs));
  const crossing = before.flatMap(({ outputs }) => outputs).filter((index) => read.has(index));
  const part = (inputs: readonly number[], outputs: readonly number[], operators: readonly Operator[]): Uint8Array =>
    writeModel({
      ...model,
      subgraphs: [{ ...graph, inputs: [...inputs], outputs: [...outputs], operators: [...operators] }],
    });
  return [part(graph.inputs, crossing, before), part(crossing, graph.outputs, behind)];
}

function tensor(
  name: string,
  type: 'int8' | 'int32',
  shape: number[],
  buffer: number,
  scale: number,
  zeroPoint: number,
): Tensor {
  return {
    name,
    type,
    shape,
    buffer,
    quantization: { min: [], max: [], scale: [scale], zeroPoint: [zeroPoint], dimension: 0, details: null },
    isVariable: false,
    shapeSignature: [],
    hasRank: true,
    sparsity: null,
    variantTensors: [],
  };
}

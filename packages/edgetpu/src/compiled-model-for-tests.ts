/*
 * A file as the Edge TPU compiler leaves one, for tests without the compiler: the whole network is one custom operator whose
 * package passes every check that the runtime makes before it runs. Its instructions are a seed, which only the tests' stand-in
 * for the runtime understands; no device would run it.
 */
import { encodeFlatbuffer } from '@atoll/tflite/flatbuffer-encode';
import type { Tensor } from '@atoll/tflite/model';
import { writeModel } from '@atoll/tflite/write';
import { edgeTpuOp } from './inspect.js';
import { executableSchema, multiExecutableSchema, packageIdentifier, packageSchema } from './package-schema.js';

/** An input or output: uint8, of zero point 0. */
export interface CompiledTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Default 1/256. */
  readonly scale?: number;
}

/** What to make; two seeds give two files that the stand-in answers differently for. */
export interface CompiledModel {
  readonly seed: number;
  readonly inputs: readonly CompiledTensor[];
  readonly outputs: readonly CompiledTensor[];
  /** Default 14. */
  readonly minRuntimeVersion?: number;
}

/** The bytes of the file, and those of its operator's custom options, from which the stand-in computes. */
export function compiledModel({ seed, inputs, outputs, minRuntimeVersion = 14 }: CompiledModel): {
  readonly bytes: Uint8Array;
  readonly customOptions: Uint8Array;
} {
  const executable = encodeFlatbuffer(
    executableSchema,
    {
      version: 1,
      name: `stand-in ${seed}`,
      serializedModel: new Uint8Array(0),
      batchSize: 1,
      scratchSizeBytes: 0,
      instructionBitstreams: [{ bitstream: new Uint8Array(Uint32Array.of(seed).buffer) }],
      parameters: new Uint8Array(0),
      dmaHints: undefined,
      inputLayers: inputs.map(layer),
      outputLayers: outputs.map(layer),
      chip: 'beagle',
      estimatedCycles: 0,
      usedNarrowMemoryBytesPerTile: 0,
      type: 0,
      parameterCachingToken: 0n,
      useTpuDramForParameters: false,
      estimatedCycles64: 0n,
    },
    unread,
  );
  const many = encodeFlatbuffer(multiExecutableSchema, { serializedExecutables: [executable] }, unread);
  const compiled = encodeFlatbuffer(
    packageSchema,
    {
      minRuntimeVersion,
      serializedMultiExecutable: many,
      signature: new Uint8Array(0),
      keypairVersion: 0,
      compilerVersion: 'cl/',
      virtualChipId: 0,
      multiChipPackage: [],
      modelIdentifier: '',
    },
    packageIdentifier,
  );
  const customOptions = flexMap('4', compiled);
  const tensors = [...inputs, ...outputs].map(tensor);
  const bytes = writeModel({
    description: 'Exported from Subgraph.',
    operatorCodes: [{ code: 32, customCode: edgeTpuOp, version: 1 }],
    buffers: [new Uint8Array(0)],
    metadata: [],
    signatures: [],
    subgraphs: [
      {
        name: 'main',
        tensors,
        inputs: inputs.map((_, index) => index),
        outputs: outputs.map((_, index) => inputs.length + index),
        operators: [
          {
            opcode: 0,
            inputs: inputs.map((_, index) => index),
            outputs: outputs.map((_, index) => inputs.length + index),
            options: null,
            customOptions,
            mutatingInputs: [],
            intermediates: [],
          },
        ],
      },
    ],
  });
  return { bytes, customOptions };
}

/** The inner files have no identifier of their own. */
const unread = 'none';

const usualScale = 1 / 256;

function layer({ name, shape, scale = usualScale }: CompiledTensor) {
  const sizeBytes = shape.reduce((product, side) => product * side, 1);
  return {
    name,
    sizeBytes,
    y: 1,
    x: 1,
    z: sizeBytes,
    numerics: { zeroPoint: 0, dequantizationFactor: scale },
    dataType: 0,
  };
}

function tensor({ name, shape, scale = usualScale }: CompiledTensor): Tensor {
  return {
    name,
    type: 'uint8',
    shape: [...shape],
    buffer: 0,
    quantization: { min: [], max: [], scale: [scale], zeroPoint: [0], dimension: 0, details: null },
    isVariable: false,
    shapeSignature: [],
    hasRank: true,
    sparsity: null,
    variantTensors: [],
  };
}

/** A FlexBuffers map of one key, whose value is a string of bytes; every width is 4. */
function flexMap(key: string, value: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  let at = 0;
  const put = (bytes: Uint8Array): number => {
    const start = at;
    chunks.push(bytes);
    at += bytes.length;
    return start;
  };
  const word = (number: number): number => put(new Uint8Array(Uint32Array.of(number).buffer));
  const keyAt = put(Buffer.from(`${key}\0`));
  put(new Uint8Array((4 - (at % 4)) % 4));
  word(value.length);
  const valueAt = put(value);
  put(new Uint8Array(4 - (at % 4)));
  word(1); // keys: how many, then where
  const keysAt = at;
  word(keysAt - keyAt);
  word(at - keysAt); // the map: where its keys are, how wide they are, how many, then the values and their types
  word(4);
  word(1);
  const mapAt = at;
  word(mapAt - valueAt);
  const text = (5 << 2) | 2;
  put(Uint8Array.of(text));
  put(new Uint8Array((4 - (at % 4)) % 4));
  word(at - mapAt);
  put(Uint8Array.of((9 << 2) | 2, 4));
  return Buffer.concat(chunks);
}

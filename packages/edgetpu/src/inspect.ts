// What a compiled Edge TPU file holds: enough for a node to refuse a bad one before it touches the device.
import { AtollError } from '@atoll/base/error';
import { decodeFlatbuffer } from '@atoll/tflite/flatbuffer-decode';
import type { Decoded } from '@atoll/tflite/flatbuffer-schema';
import type { TensorType } from '@atoll/tflite/enums';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { decodeFlexMap } from './flexbuffer.js';
import { packageProblems } from './package-problems.js';
import { executableSchema, multiExecutableSchema, packageIdentifier, packageSchema } from './package-schema.js';

/** Name of the custom operator that stands for the compiled part. */
export const edgeTpuOp = 'edgetpu-custom-op';

/** What an executable is for; a package has one that does all, or one that loads parameters and one that runs. */
export type ExecutableKind = 'stand-alone' | 'parameter-caching' | 'execution-only';

/** One executable of a package. */
export interface ExecutableInfo {
  readonly kind: ExecutableKind;
  readonly name: string;
  readonly chip: string;
  readonly batchSize: number;
  readonly parameterBytes: number;
  readonly instructionBytes: number;
  readonly scratchBytes: number;
  /** Most activation memory that one tile needs, in bytes ("narrow memory"). */
  readonly tileBytes: number;
  /** Models with the same token (decimal digits) can lie on the chip together; others evict each other. */
  readonly parameterCachingToken: string;
  readonly inputs: readonly LayerInfo[];
  readonly outputs: readonly LayerInfo[];
}

/** An input or output of an executable; sizeBytes includes padding, real = scale * (q - zeroPoint) on the unsigned values of the chip. */
export interface LayerInfo {
  readonly name: string;
  readonly type: TensorType | 'unknown';
  readonly sizeBytes: number;
  readonly shape: readonly [height: number, width: number, channels: number];
  readonly scale: number;
  readonly zeroPoint: number;
}

/** A tensor of the model at the border of a compiled part. */
export interface BorderTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
}

/** One compiled part. */
export interface PackageInfo {
  readonly minRuntimeVersion: number;
  readonly compilerVersion: string;
  /** -1: for several chips together. */
  readonly virtualChipId: number;
  readonly executables: readonly ExecutableInfo[];
  /** Parameters that are loaded onto the chip once. */
  readonly onChipBytes: number;
  /** Parameters that are sent at every inference. */
  readonly offChipBytes: number;
  /** What the custom operator takes from the model, and gives back. */
  readonly inputs: readonly BorderTensor[];
  readonly outputs: readonly BorderTensor[];
}

/** An operator that was left to the CPU, found by its first output. */
export interface CpuOp {
  readonly op: string;
  readonly tensor: string;
}

/** What a compiled file holds; `cpuOps` in order, `problems` for which the runtime would refuse it, empty for a sound file. */
export interface CompiledEdgeTpu {
  readonly minRuntimeVersion: number;
  readonly packages: readonly PackageInfo[];
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly cpuOps: readonly CpuOp[];
  readonly problems: readonly string[];
}

/** Looks into a compiled model; null when nothing in it was compiled for the Edge TPU, DATA_LOSS when a package is damaged. */
export function inspectEdgeTpu(model: TfLiteModel, what = 'the model'): CompiledEdgeTpu | null {
  const operators = mainSubgraph(model).operators.map((operator) => ({
    operator,
    name: operatorName(model, operator),
  }));
  const compiled = operators.filter(({ name }) => name === edgeTpuOp);
  if (compiled.length === 0) return null;
  refuseSharedBytes(
    compiled.map(({ operator }) => operator.customOptions),
    what,
  );
  const { tensors } = mainSubgraph(model);
  const border = (indices: readonly number[]): readonly BorderTensor[] =>
    indices.flatMap((index) => {
      const tensor = tensors[index];
      return tensor === undefined ? [] : [{ name: tensor.name, type: tensor.type, shape: tensor.shape }];
    });
  const packages = compiled.map(({ operator }) => ({
    ...readPackage(operator.customOptions, what),
    inputs: border(operator.inputs),
    outputs: border(operator.outputs),
  }));
  return {
    minRuntimeVersion: packages.reduce((newest, one) => Math.max(newest, one.minRuntimeVersion), 0),
    packages,
    onChipBytes: packages.reduce((sum, one) => sum + one.onChipBytes, 0),
    offChipBytes: packages.reduce((sum, one) => sum + one.offChipBytes, 0),
    cpuOps: operators
      .filter(({ name }) => name !== edgeTpuOp)
      .map(({ operator, name }) => ({ op: name, tensor: border(operator.outputs)[0]?.name ?? '' })),
    problems: packages.flatMap(packageProblems),
  };
}

/** Key of the custom options under which the package lies. Source: libedgetpu, tflite/custom_op_data.cc. */
const packageKey = '4';

function readPackage(customOptions: Uint8Array, what: string): Omit<PackageInfo, 'inputs' | 'outputs'> {
  const part = `the Edge TPU package of ${what}`;
  const serialized = decodeFlexMap(customOptions, part).get(packageKey);
  if (!(serialized instanceof Uint8Array)) {
    throw new AtollError('DATA_LOSS', `cannot read ${part}: its custom options hold no package`);
  }
  const wire = decodeFlatbuffer(serialized, packageSchema, packageIdentifier, part);
  const many = decodeFlatbuffer(wire.serializedMultiExecutable, multiExecutableSchema, null, part);
  refuseSharedBytes(many.serializedExecutables, part);
  const executables = many.serializedExecutables.map((bytes) =>
    describeExecutable(decodeFlatbuffer(bytes, executableSchema, null, part), part),
  );
  if (executables.length === 0) throw new AtollError('DATA_LOSS', `cannot read ${part}: it has no executable`);
  const bytesOf = (cached: boolean): number =>
    executables
      .filter(({ kind }) => (kind === 'parameter-caching') === cached)
      .reduce((sum, { parameterBytes }) => sum + parameterBytes, 0);
  return {
    minRuntimeVersion: wire.minRuntimeVersion,
    compilerVersion: wire.compilerVersion,
    virtualChipId: wire.virtualChipId,
    executables,
    onChipBytes: bytesOf(true),
    offChipBytes: bytesOf(false),
  };
}

/** Files in a file do not overlap; if they did, a small one could make work without end. */
function refuseSharedBytes(parts: readonly Uint8Array[], what: string): void {
  const roomBytes = parts[0]?.buffer.byteLength ?? 0;
  if (parts.reduce((sum, part) => sum + part.length, 0) <= roomBytes) return;
  throw new AtollError('DATA_LOSS', `cannot read ${what}: its parts overlap`);
}

const kinds: readonly ExecutableKind[] = ['stand-alone', 'parameter-caching', 'execution-only'];

function describeExecutable(wire: Decoded<typeof executableSchema>, part: string): ExecutableInfo {
  const kind = kinds[wire.type];
  if (kind === undefined)
    throw new AtollError('DATA_LOSS', `cannot read ${part}: an executable is of kind ${wire.type}`);
  const layers = (all: typeof wire.inputLayers): readonly LayerInfo[] =>
    all.map(({ name, sizeBytes, y, x, z, numerics, dataType }) => ({
      name,
      type: layerTypes[dataType] ?? 'unknown',
      sizeBytes,
      shape: [y, x, z],
      scale: numerics?.dequantizationFactor ?? 0,
      zeroPoint: numerics?.zeroPoint ?? 0,
    }));
  return {
    kind,
    name: wire.name,
    chip: wire.chip,
    batchSize: wire.batchSize,
    parameterBytes: wire.parameters.length,
    instructionBytes: wire.instructionBitstreams.reduce((sum, { bitstream }) => sum + bitstream.length, 0),
    scratchBytes: wire.scratchSizeBytes,
    tileBytes: wire.usedNarrowMemoryBytesPerTile,
    parameterCachingToken: wire.parameterCachingToken.toString(),
    inputs: layers(wire.inputLayers),
    outputs: layers(wire.outputLayers),
  };
}

/** Types of layers by number. Source: libedgetpu, executable.fbs, DataType. */
const layerTypes: Readonly<Record<number, TensorType>> = {
  0: 'uint8',
  1: 'uint16',
  2: 'int32',
  3: 'bfloat16',
  4: 'float16',
  5: 'float32',
  8: 'int8',
  9: 'int16',
};

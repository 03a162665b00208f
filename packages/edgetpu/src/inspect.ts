// What a compiled Edge TPU file holds: enough for a node to refuse a bad one before it touches the device.
import { AtollError } from '@atoll/base/error';
import { decodeFlatbuffer } from '@atoll/tflite/flatbuffer-decode';
import type { Decoded } from '@atoll/tflite/flatbuffer-schema';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { decodeFlexMap } from './flexbuffer.js';
import { executableSchema, multiExecutableSchema, packageIdentifier, packageSchema } from './package-schema.js';

/** Name of the custom operator that stands for the compiled part. */
export const edgeTpuOp = 'edgetpu-custom-op';

/** What an executable is for; a package has one that does all, or one that loads parameters and one that runs. */
export type ExecutableKind = 'stand-alone' | 'parameter-caching' | 'execution-only';

/** One executable of a package. */
export interface ExecutableInfo {
  readonly kind: ExecutableKind;
  readonly chip: string;
  readonly batchSize: number;
  readonly parameterBytes: number;
  readonly instructionBytes: number;
  /** Most activation memory that one tile needs, in bytes. */
  readonly tileBytes: number;
  /** Models with the same token (decimal digits) can lie on the chip together; others evict each other. */
  readonly parameterCachingToken: string;
  readonly inputs: readonly LayerInfo[];
  readonly outputs: readonly LayerInfo[];
}

/** An input or output of the compiled part; sizeBytes includes padding. */
export interface LayerInfo {
  readonly name: string;
  readonly sizeBytes: number;
  readonly shape: readonly [height: number, width: number, channels: number];
}

/** One compiled part. */
export interface PackageInfo {
  readonly minRuntimeVersion: number;
  readonly compilerVersion: string;
  readonly executables: readonly ExecutableInfo[];
  /** Parameters that are loaded onto the chip once. */
  readonly onChipBytes: number;
  /** Parameters that are sent at every inference. */
  readonly offChipBytes: number;
}

/** What a compiled file holds; `cpuOps` are the operators left to the CPU, in order. */
export interface CompiledEdgeTpu {
  readonly minRuntimeVersion: number;
  readonly packages: readonly PackageInfo[];
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly cpuOps: readonly string[];
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
  const packages = compiled.map(({ operator }) => readPackage(operator.customOptions, what));
  return {
    minRuntimeVersion: packages.reduce((newest, one) => Math.max(newest, one.minRuntimeVersion), 0),
    packages,
    onChipBytes: packages.reduce((sum, one) => sum + one.onChipBytes, 0),
    offChipBytes: packages.reduce((sum, one) => sum + one.offChipBytes, 0),
    cpuOps: operators.filter(({ name }) => name !== edgeTpuOp).map(({ name }) => name),
  };
}

/** Key of the custom options under which the package lies. Source: libedgetpu, tflite/custom_op_data.cc. */
const packageKey = '4';

function readPackage(customOptions: Uint8Array, what: string): PackageInfo {
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
    all.map(({ name, sizeBytes, y, x, z }) => ({ name, sizeBytes, shape: [y, x, z] }));
  return {
    kind,
    chip: wire.chip,
    batchSize: wire.batchSize,
    parameterBytes: wire.parameters.length,
    instructionBytes: wire.instructionBitstreams.reduce((sum, { bitstream }) => sum + bitstream.length, 0),
    tileBytes: wire.usedNarrowMemoryBytesPerTile,
    parameterCachingToken: wire.parameterCachingToken.toString(),
    inputs: layers(wire.inputLayers),
    outputs: layers(wire.outputLayers),
  };
}

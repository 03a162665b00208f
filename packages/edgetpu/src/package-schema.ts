// The tables of a compiled Edge TPU package: executable.fbs of libedgetpu, file identifier DWN1. Field order is the format; the
// parts that only the driver needs (hints, layouts) are described as far as their place.
import { blobs, bool, bytes, f32, i16, i32, i64, table, tables, text, u64 } from '@atoll/tflite/flatbuffer-schema';

/** File identifier of a package. */
export const packageIdentifier = 'DWN1';

const layer = {
  name: text(),
  sizeBytes: i32(),
  y: i32(),
  x: i32(),
  z: i32(),
  numerics: table({ zeroPoint: i32(), dequantizationFactor: f32() }),
  dataType: i16(),
} as const;

/** One executable of a package. */
export const executableSchema = {
  version: i32(),
  name: text(),
  serializedModel: bytes(),
  batchSize: i32(),
  scratchSizeBytes: i32(),
  instructionBitstreams: tables({ bitstream: bytes() }),
  parameters: bytes(),
  dmaHints: table({}),
  inputLayers: tables(layer),
  outputLayers: tables(layer),
  chip: text(),
  estimatedCycles: i32(),
  usedNarrowMemoryBytesPerTile: i32(),
  type: i16(),
  parameterCachingToken: u64(),
  useTpuDramForParameters: bool(),
  estimatedCycles64: i64(),
} as const;

/** The executables of a package, each a serialized executable. */
export const multiExecutableSchema = { serializedExecutables: blobs() } as const;

/** The root table of a package. */
export const packageSchema = {
  minRuntimeVersion: i32(),
  serializedMultiExecutable: bytes(),
  signature: bytes(),
  keypairVersion: i32(),
  compilerVersion: text(),
  virtualChipId: i32(),
  multiChipPackage: tables({}),
  modelIdentifier: text(),
} as const;

/** From a model and its golden pairs to the manifest of a release, and the blobs that go with it. Pure. */
import type { OutgoingBlob } from '@atoll/artifacts/remote';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import type { ReleaseArtifact, ReleaseManifest, TensorSignature } from '@atoll/proto/atoll/v1/release';
import { chunkDigests, defaultChunkSizeBytes } from '@atoll/release/chunks';
import { targetText } from '@atoll/release/target';
import type { TensorSpec } from '@atoll/runtime/model';
import type { Preprocessing } from '@atoll/image/preprocessing';
import type { GoldenPair } from './golden.js';

/** A compiled file, and the runtime that it needs at least. */
export interface CompiledPart {
  readonly bytes: Uint8Array;
  readonly minRuntimeVersion: number;
}

/** What a release is made of. */
export interface ReleaseParts {
  readonly model: string;
  readonly version: bigint;
  /** The .tflite that any node can run. */
  readonly cpu: Uint8Array;
  /** The file that the Edge TPU compiler made. */
  readonly edgeTpu?: CompiledPart;
  /** The same model cut for several Edge TPUs, every part in order. */
  readonly segments?: readonly CompiledPart[];
  readonly input: TensorSpec;
  readonly output: TensorSpec;
  readonly preprocessing: Preprocessing;
  readonly labels: readonly string[];
  readonly golden: readonly GoldenPair[];
  readonly lineage: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

const validMs = 365 * 86_400_000;

/**
 * How far an element of a golden output may be off. Two right ways of running one int8 network differ: by up to 20 counts
 * of 255 were seen between TFLite's own kernels and XNNPACK.
 */
const tolerance = { counts: 26, reals: 0.1 } as const;

const datatypes: Readonly<Record<string, string>> = { uint8: 'UINT8', int8: 'INT8', float32: 'FP32' };

/** The manifest, ready to be signed, and every blob that it names. */
export function describeRelease(parts: ReleaseParts): { manifest: ReleaseManifest; blobs: OutgoingBlob[] } {
  const { preprocessing, golden, nowMs } = parts;
  checkLabels(parts);
  const files = [artifact('cpu', parts.cpu, 0)];
  if (parts.edgeTpu !== undefined)
    files.push(artifact('edgetpu', parts.edgeTpu.bytes, parts.edgeTpu.minRuntimeVersion));
  const { segments = [] } = parts;
  for (const [index, { bytes, minRuntimeVersion }] of segments.entries()) {
    const segment = { index, count: segments.length };
    files.push(artifact(targetText({ processor: 'edgetpu', segment }), bytes, minRuntimeVersion));
  }
  const cases = golden.map(({ input, output }) => ({ input: blobOf(input), output: blobOf(output) }));
  const manifest: ReleaseManifest = {
    model: parts.model,
    version: parts.version,
    artifacts: files.map(({ entry }) => entry),
    inputs: [signatureOf(parts.input)],
    outputs: [signatureOf(parts.output)],
    preprocessing: {
      width: preprocessing.width,
      height: preprocessing.height,
      mean: single(preprocessing.mean),
      std: single(preprocessing.std),
    },
    labels: [...parts.labels],
    golden: cases.map(({ input, output }) => ({
      input: refOf(input),
      output: refOf(output),
      tolerance: parts.output.dtype === 'float32' ? tolerance.reals : tolerance.counts,
    })),
    createdUnixMs: BigInt(nowMs),
    expiresUnixMs: BigInt(nowMs + validMs),
    minVersionFloor: 0n,
    lineage: { ...parts.lineage },
  };
  const goldenBlobs = cases.flatMap(({ input, output }) => [input, output]);
  return { manifest, blobs: [...files.map(({ blob }) => blob), ...goldenBlobs] };
}

/** Labels that do not fit would name classes wrongly on every node. */
function checkLabels({ labels, output }: ReleaseParts): void {
  const classes = output.shape.at(-1) ?? 0;
  if (labels.length === 0 || labels.length === classes) return;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot publish the model: ${labels.length} labels are given for ${classes} classes`,
  );
}

function artifact(
  target: string,
  bytes: Uint8Array,
  minRuntimeVersion: number,
): { entry: ReleaseArtifact; blob: OutgoingBlob } {
  const blob = blobOf(bytes);
  const entry = {
    target,
    sha256: blob.sha256,
    sizeBytes: BigInt(bytes.length),
    chunkSizeBytes: defaultChunkSizeBytes,
    chunkSha256: chunkDigests(bytes, defaultChunkSizeBytes),
    minRuntimeVersion,
  };
  return { entry, blob };
}

function signatureOf(tensor: TensorSpec): TensorSignature {
  const datatype = datatypes[tensor.dtype];
  if (datatype === undefined)
    throw new AtollError('INVALID_ARGUMENT', `cannot publish the model: tensor ${tensor.name} is ${tensor.dtype}`);
  return {
    name: tensor.name,
    datatype,
    shape: tensor.shape.map(BigInt),
    scale: tensor.scale ?? 0,
    zeroPoint: tensor.zeroPoint ?? 0,
  };
}

/** One number for all channels: releases know no other. */
function single(values: readonly number[]): number {
  const [first = 0] = values;
  if (values.every((value) => value === first)) return first;
  throw new AtollError(
    'UNIMPLEMENTED',
    `cannot publish the model: its channels have different means or deviations (${values.join(', ')})`,
  );
}

function blobOf(bytes: Uint8Array): OutgoingBlob {
  return { sha256: sha256(bytes), sizeBytes: bytes.length, source: { bytes } };
}

function refOf(blob: OutgoingBlob): { sha256: string; sizeBytes: bigint } {
  return { sha256: blob.sha256, sizeBytes: BigInt(blob.sizeBytes) };
}

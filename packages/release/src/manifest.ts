/** A release's manifest: signed by a build key, checked field by field by everybody who opens it. */
import type { KeyObject } from 'node:crypto';
import { type Sha256, sha256 } from '@atoll/base/digest';
import {
  type Envelope,
  type GoldenCase,
  type ReleaseArtifact,
  ReleaseManifest,
  type TensorSignature,
} from '@atoll/proto/atoll/v1/release';
import type { BlobRef } from '@atoll/proto/atoll/v1/blob';
import { checkTexts, isName, isSha256, isWithin, type Refuse, refuser, shown } from './check.js';
import { openEnvelope, parsePayload, payloadTypes, sealEnvelope } from './envelope.js';
import { checkExpiry } from './expiry.js';
import type { PublicKeySet } from './keys.js';
import { mostSegments, parseTarget, segmentGap } from './target.js';

/** What a release may have at most. */
export const releaseLimits = {
  artifacts: 2 + mostSegments,
  artifactBytes: 1 << 30,
  chunkSizeBytes: { min: 4 * 1024, max: 16 * 1024 * 1024 },
  tensors: 16,
  dimensions: 8,
  tensorBytes: 64 * 1024 * 1024,
  labels: 10_000,
  golden: 64,
  lineage: 64,
} as const;

/** A manifest whose signature and fields are right. */
export interface OpenedRelease {
  readonly manifest: ReleaseManifest;
  /** SHA-256 of the envelope's payload: how desired states name the release. */
  readonly manifestSha256: Sha256;
}

/** Checks the fields and signs; INVALID_ARGUMENT for a manifest that openRelease would refuse. */
export function sealRelease(manifest: ReleaseManifest, buildKey: KeyObject): Envelope {
  checkManifest(manifest);
  return sealEnvelope(payloadTypes.release, ReleaseManifest.encode(manifest).finish(), buildKey);
}

/**
 * Verifies, parses and checks a release. PERMISSION_DENIED for the signature, INVALID_ARGUMENT for a field,
 * FAILED_PRECONDITION once it is expired at `nowMs`.
 */
export function openRelease(envelope: Envelope, trusted: PublicKeySet, nowMs: number): OpenedRelease {
  const payload = openEnvelope(envelope, payloadTypes.release, trusted);
  const manifest = parsePayload('a release', () => ReleaseManifest.decode(payload));
  checkManifest(manifest);
  checkExpiry(`release ${manifest.model} v${manifest.version}`, manifest.expiresUnixMs, nowMs);
  return { manifest, manifestSha256: sha256(payload) };
}

/** Every blob that the manifest names, each digest once: files, then golden inputs and outputs. */
export function blobsOf(manifest: ReleaseManifest): { readonly sha256: Sha256; readonly sizeBytes: number }[] {
  const golden = manifest.golden.flatMap(({ input, output }) => [input, output]);
  const refs = [...manifest.artifacts, ...golden].filter((ref) => ref !== undefined);
  return [
    ...new Map(refs.map((ref) => [ref.sha256, { sha256: ref.sha256, sizeBytes: Number(ref.sizeBytes) }])).values(),
  ];
}

/** Refuses (INVALID_ARGUMENT) a manifest with a field that is missing, malformed or out of bounds. */
export function checkManifest(manifest: ReleaseManifest): void {
  const refuse = refuser(`release ${shown(manifest.model)} v${manifest.version}`);
  if (!isName(manifest.model)) throw refuse('its model name is not 1 to 63 of a-z, 0-9 and -');
  if (manifest.version < 1n || manifest.version > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse('versions begin at 1');
  if (manifest.minVersionFloor > manifest.version) throw refuse('its floor is above itself');
  if (manifest.createdUnixMs <= 0n) throw refuse('it does not say when it was made');
  if (manifest.expiresUnixMs <= manifest.createdUnixMs) throw refuse('it expires before it was made');
  checkArtifacts(manifest.artifacts, refuse);
  checkTensors('input', manifest.inputs, refuse);
  checkTensors('output', manifest.outputs, refuse);
  const { preprocessing } = manifest;
  if (preprocessing === undefined) throw refuse('it has no preprocessing');
  if (!isWithin(preprocessing.width, 1, 8192) || !isWithin(preprocessing.height, 1, 8192))
    throw refuse('its photo size is not 1 to 8,192 pixels a side');
  if (!isWithin(preprocessing.mean, -255, 510) || !isWithin(preprocessing.std, 1e-6, 1e6))
    throw refuse('its preprocessing has no usable mean or std');
  if (manifest.labels.length > releaseLimits.labels) throw refuse(`it has ${manifest.labels.length} labels`);
  for (const label of manifest.labels)
    if (label.length < 1 || label.length > 256) throw refuse(`label ${shown(label)} is empty or too long`);
  if (manifest.golden.length > releaseLimits.golden) throw refuse(`it has ${manifest.golden.length} golden cases`);
  for (const golden of manifest.golden) checkGolden(golden, manifest, refuse);
  checkTexts('lineage', manifest.lineage, releaseLimits.lineage, refuse);
}

function checkArtifacts(artifacts: readonly ReleaseArtifact[], refuse: Refuse): void {
  const { chunkSizeBytes: chunk, artifactBytes } = releaseLimits;
  if (artifacts.length > releaseLimits.artifacts) throw refuse(`it has ${artifacts.length} files`);
  for (const artifact of artifacts) {
    const file = `file ${shown(artifact.target)}`;
    if (parseTarget(artifact.target) === undefined) throw refuse(`${file} is for an unknown target`);
    if (!isSha256(artifact.sha256)) throw refuse(`${file} has no SHA-256`);
    if (artifact.sizeBytes < 1n || artifact.sizeBytes > BigInt(artifactBytes))
      throw refuse(`${file} has ${artifact.sizeBytes} bytes`);
    if (!isWithin(artifact.chunkSizeBytes, chunk.min, chunk.max))
      throw refuse(`${file} has chunks of ${artifact.chunkSizeBytes} bytes, ${chunk.min} to ${chunk.max} are allowed`);
    const wanted = Math.ceil(Number(artifact.sizeBytes) / artifact.chunkSizeBytes);
    if (artifact.chunkSha256.length !== wanted)
      throw refuse(`${file} has ${artifact.chunkSha256.length} chunk digests, not ${wanted}`);
    if (artifact.chunkSha256.some((digest) => digest.length !== 32))
      throw refuse(`${file} has a chunk digest that is not 32 bytes`);
    const runtime = artifact.minRuntimeVersion;
    if (artifact.target === 'cpu' ? runtime !== 0 : !isWithin(runtime, 10, 14))
      throw refuse(`${file} needs runtime ${runtime}: cpu needs 0, edgetpu 10 to 14`);
  }
  const targets = artifacts.map(({ target }) => target);
  if (!targets.includes('cpu')) throw refuse('it has no file for target cpu');
  if (new Set(targets).size !== targets.length) throw refuse('it has two files for one target');
  const gap = segmentGap(targets.flatMap((target) => parseTarget(target)?.segment ?? []));
  if (gap !== undefined) throw refuse(gap);
}

function checkTensors(what: string, tensors: readonly TensorSignature[], refuse: Refuse): void {
  if (tensors.length < 1 || tensors.length > releaseLimits.tensors) throw refuse(`it has ${tensors.length} ${what}s`);
  for (const tensor of tensors) {
    const name = `${what} ${shown(tensor.name)}`;
    if (tensor.name.length > 256) throw refuse(`${name} has too long a name`);
    const quantized = tensor.datatype === 'UINT8' || tensor.datatype === 'INT8';
    if (!quantized && tensor.datatype !== 'FP32') throw refuse(`${name} has type ${shown(tensor.datatype)}`);
    if (tensor.shape.length > releaseLimits.dimensions || tensor.shape.some((side) => side < 1n))
      throw refuse(`${name} has no usable shape`);
    if (tensorBytes(tensor) > releaseLimits.tensorBytes)
      throw refuse(`${name} is over ${releaseLimits.tensorBytes} bytes`);
    if (quantized ? !isWithin(tensor.scale, Number.MIN_VALUE, 1e30) : tensor.scale !== 0)
      throw refuse(`${name} has scale ${tensor.scale}`);
    const [low, high] = tensor.datatype === 'UINT8' ? [0, 255] : tensor.datatype === 'INT8' ? [-128, 127] : [0, 0];
    if (!isWithin(tensor.zeroPoint, low, high)) throw refuse(`${name} has zero point ${tensor.zeroPoint}`);
  }
}

function checkGolden({ input, output, tolerance }: GoldenCase, manifest: ReleaseManifest, refuse: Refuse): void {
  checkBlob('input', input, manifest.inputs, refuse);
  checkBlob('output', output, manifest.outputs, refuse);
  if (!isWithin(tolerance, 0, 1e30)) throw refuse(`a golden case has tolerance ${tolerance}`);
}

function checkBlob(what: string, ref: BlobRef | undefined, tensors: readonly TensorSignature[], refuse: Refuse): void {
  if (ref === undefined || !isSha256(ref.sha256)) throw refuse(`a golden case has no ${what}`);
  if (tensors.length !== 1) throw refuse(`golden cases need exactly one ${what}, it has ${tensors.length}`);
  const wanted = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  if (ref.sizeBytes !== BigInt(wanted))
    throw refuse(`a golden ${what} has ${ref.sizeBytes} bytes, the tensor ${wanted}`);
}

function tensorBytes({ datatype, shape }: TensorSignature): number {
  return shape.reduce((product, side) => product * Number(side), datatype === 'FP32' ? 4 : 1);
}

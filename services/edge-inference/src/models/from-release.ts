import type { BlobStore } from '@atoll/artifacts/store';
import { AtollError } from '@atoll/base/error';
import type { Sha256 } from '@atoll/base/digest';
import type { BlobRef } from '@atoll/proto/atoll/v1/blob';
import type { GoldenCase, ReleaseArtifact, ReleaseManifest, TensorSignature } from '@atoll/proto/atoll/v1/release';
import { squashed } from '@atoll/image/preprocessing';
import { parseTarget } from '@atoll/release/target';
import type { ModelPackage, PackageFile, PackageGolden, PackageTensor } from './model-package.js';

/**
 * The package that a verified release manifest describes, its blobs taken from this node's store.
 * NOT_FOUND when a blob is not there yet; INVALID_ARGUMENT when the manifest itself cannot be used.
 */
export async function packageFromRelease(
  manifest: ReleaseManifest,
  manifestSha256: Sha256,
  blobs: BlobStore,
): Promise<ModelPackage> {
  const files = await Promise.all(manifest.artifacts.map((artifact) => fileOf(artifact, blobs)));
  if (!files.some((file) => file.target === 'cpu')) throw unusable(manifest, 'it has no file for target cpu');
  const { preprocessing } = manifest;
  if (preprocessing !== undefined && !(preprocessing.std > 0)) {
    throw unusable(manifest, `its preprocessing divides by ${preprocessing.std}`);
  }
  return {
    model: manifest.model,
    version: manifest.version,
    manifestSha256,
    files,
    inputs: manifest.inputs.map((tensor) => tensorOf(manifest, tensor)),
    outputs: manifest.outputs.map((tensor) => tensorOf(manifest, tensor)),
    preprocessing:
      preprocessing === undefined
        ? undefined
        : squashed(preprocessing.width, preprocessing.height, [preprocessing.mean], [preprocessing.std]),
    labels: manifest.labels,
    golden: await Promise.all(manifest.golden.map((golden) => goldenOf(manifest, golden, blobs))),
  };
}

async function fileOf(artifact: ReleaseArtifact, blobs: BlobStore): Promise<PackageFile> {
  const { sha256, minRuntimeVersion } = artifact;
  return {
    ...targetOf(artifact.target),
    path: await blobs.path(sha256),
    sha256,
    sizeBytes: Number(artifact.sizeBytes),
    minRuntimeVersion,
  };
}

function targetOf(text: string): Pick<PackageFile, 'target' | 'segment'> {
  const known = parseTarget(text);
  if (known === undefined)
    throw new AtollError('INVALID_ARGUMENT', `cannot use a file for target ${JSON.stringify(text)}: it is not known`);
  const { processor: target, segment } = known;
  return segment === undefined ? { target } : { target, segment };
}

async function goldenOf(manifest: ReleaseManifest, golden: GoldenCase, blobs: BlobStore): Promise<PackageGolden> {
  const blob = async (ref: BlobRef | undefined) => {
    if (ref === undefined) throw unusable(manifest, 'a golden case lacks its input or output');
    return { path: await blobs.path(ref.sha256), sha256: ref.sha256, sizeBytes: Number(ref.sizeBytes) };
  };
  return { input: await blob(golden.input), output: await blob(golden.output), tolerance: golden.tolerance };
}

const dtypes: Readonly<Record<string, string>> = { UINT8: 'uint8', INT8: 'int8', FP32: 'float32' };

function tensorOf(manifest: ReleaseManifest, tensor: TensorSignature): PackageTensor {
  const dtype = dtypes[tensor.datatype];
  if (dtype === undefined)
    throw unusable(manifest, `tensor ${tensor.name} has type ${JSON.stringify(tensor.datatype)}`);
  const quantized = tensor.scale !== 0;
  return {
    name: tensor.name,
    dtype,
    shape: tensor.shape.map(Number),
    scale: quantized ? tensor.scale : null,
    zeroPoint: quantized ? tensor.zeroPoint : null,
  };
}

function unusable(manifest: ReleaseManifest, reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot use release ${manifest.model} v${manifest.version}: ${reason}`);
}

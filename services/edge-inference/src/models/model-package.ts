import type { Sha256 } from '@atoll/base/digest';
import type { Preprocessing } from '@atoll/image/preprocessing';
import type { Segment } from '@atoll/release/target';

/** What a file of a package is made for: any CPU, or an Edge TPU (compiled). */
export type Target = 'cpu' | 'edgetpu';

/** A file of a package, on this node's disk, whose bytes have this digest. */
export interface PackageFile {
  readonly target: Target;
  /** The part of the model that the file holds; undefined = all of it. A package has every part or none. */
  readonly segment?: Segment;
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** The Edge TPU runtime that it needs at least; 0 = none. */
  readonly minRuntimeVersion: number;
}

/** A tensor as the package promises it; scale null where it is not quantized. */
export interface PackageTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** Input bytes and the output bytes that the maker of the package saw, as files. */
export interface PackageGolden {
  readonly input: Pick<PackageFile, 'path' | 'sha256' | 'sizeBytes'>;
  readonly output: Pick<PackageFile, 'path' | 'sha256' | 'sizeBytes'>;
  /** How far an element may be off: counts for integer outputs, real units for float ones. */
  readonly tolerance: number;
}

/** One version of a model with everything a node needs, complete on disk. It never changes. */
export interface ModelPackage {
  readonly model: string;
  readonly version: bigint;
  /** Digest of the signed release, or over all files of a repository's version; empty for a model given as a file. */
  readonly manifestSha256: string;
  /** At least one for target cpu. */
  readonly files: readonly PackageFile[];
  /** Empty when the package promises nothing: then the model's own tensors count. */
  readonly inputs: readonly PackageTensor[];
  readonly outputs: readonly PackageTensor[];
  /** Undefined when the package does not say: then pixels go in as they are. */
  readonly preprocessing: Preprocessing | undefined;
  /** Class names in the order of the output; empty = numbers. */
  readonly labels: readonly string[];
  readonly golden: readonly PackageGolden[];
}

/** "NAME vN", as messages name it. */
export function packageName(pkg: Pick<ModelPackage, 'model' | 'version'>): string {
  return `${pkg.model} v${pkg.version}`;
}

/** What went into a result, by digest: what its report tells, and what makes two requests the same. */
import type { Sha256 } from '@atoll/base/digest';

/** Everything that a result was made from. */
export interface Lineage {
  readonly model: readonly { readonly name: string; readonly sha256: Sha256 }[];
  /** Manifests of the photos to calibrate on and to compare on; null where there are none. */
  readonly dataset: Sha256 | null;
  readonly evalDataset: Sha256 | null;
  /** How the representative photos were drawn. */
  readonly samples: number;
  readonly seed: string;
  /** What ran the models. */
  readonly runtime: 'LiteRT' | 'TFLite' | 'WebAssembly' | null;
  /** The operator's Edge TPU compiler, or null. */
  readonly edgeTpuCompiler: { readonly path: string; readonly sha256: Sha256 } | null;
  /** Digest of Atoll's own code: see codeDigest. */
  readonly code: Sha256;
}

import type { Sha256 } from '@atoll/base/digest';

/** A photo of a data set as it is named and stored; `path` is relative with forward slashes and never opened. */
export interface Photo {
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Index of its class, null in a test set without labels. */
  readonly label: number | null;
}

/** A photo of a known class. */
export interface LabelledPhoto extends Photo {
  readonly label: number;
}

/** A photo that was left out, and why in one line. */
export interface SkippedPhoto {
  readonly path: string;
  readonly reason: string;
}

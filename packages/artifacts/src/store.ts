import type { Sha256 } from '@atoll/base/digest';

/** A place that keeps bytes under their SHA-256: what is got is what was put, or an error. */
export interface BlobStore {
  /** Size in bytes of a held blob, undefined when it is not held. */
  size(sha256: Sha256): Promise<number | undefined>;
  /** Keeps the bytes; DATA_LOSS when they do not have this digest or size, INVALID_ARGUMENT when they exceed the store's limit. Nothing half-written stays. */
  put(
    expected: { readonly sha256: Sha256; readonly sizeBytes: number },
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** Streams the bytes from `offset`, at most `limitBytes`; NOT_FOUND, and DATA_LOSS at the end when a whole read does not match the digest. */
  get(sha256: Sha256, offset?: number, limitBytes?: number): AsyncIterable<Uint8Array>;
  /** Where the bytes lie as a file that must only be read; NOT_FOUND when they are not held. */
  path(sha256: Sha256): Promise<string>;
}

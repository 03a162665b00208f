import type { BlobStore } from '@atoll/artifacts/store';
import { chunkDigestsOf } from '@atoll/release/chunks';
import { blobsOf, type OpenedRelease } from '@atoll/release/manifest';
import type { FoundBlob } from '../releases/publishing.js';

/** What the store holds of the blobs that a release names. */
export async function findBlobs(store: BlobStore, { manifest }: OpenedRelease): Promise<FoundBlob[]> {
  return Promise.all(
    blobsOf(manifest).map(async ({ sha256, sizeBytes }) => ({
      sha256,
      wantedBytes: sizeBytes,
      sizeBytes: await store.size(sha256),
    })),
  );
}

/** The chunk digests of a held blob; DATA_LOSS when its bytes on disk have changed. */
export async function chunksOf(store: BlobStore, sha256: string, chunkSizeBytes: number): Promise<Buffer[]> {
  return (await chunkDigestsOf(store.get(sha256), chunkSizeBytes)).chunkSha256;
}

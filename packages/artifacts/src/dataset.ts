/** A folder of photos as a data set by digest: a manifest of paths and digests that is itself a blob. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetManifest } from '@atoll/proto/atoll/v1/blob';
import { parseSha256, sha256, type Sha256, sha256File } from '@atoll/base/digest';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { OutgoingBlob } from './remote.js';
import type { BlobStore } from './store.js';

/** Largest manifest that is read, in bytes: about 300,000 photos. */
const maxManifestBytes = 64 * 1024 * 1024;

/** A data set ready to be sent: its digest and every blob that it needs, the manifest last. */
export interface OutgoingDataset {
  readonly sha256: Sha256;
  readonly blobs: readonly OutgoingBlob[];
}

/** Describes files (paths below `root`, forward slashes) as a data set. */
export async function describeDataset(root: string, paths: readonly string[]): Promise<OutgoingDataset> {
  const files: { path: string; sha256: Sha256; sizeBytes: bigint }[] = [];
  const blobs: OutgoingBlob[] = [];
  for (const path of [...paths].sort()) {
    const source = join(root, path);
    const [digest, { size }] = await Promise.all([sha256File(source), stat(source)]);
    files.push({ path, sha256: digest, sizeBytes: BigInt(size) });
    blobs.push({ sha256: digest, sizeBytes: size, source: { path: source } });
  }
  const manifest = DatasetManifest.encode({ files }).finish();
  const digest = sha256(manifest);
  return {
    sha256: digest,
    blobs: [...blobs, { sha256: digest, sizeBytes: manifest.length, source: { bytes: manifest } }],
  };
}

/** Reads a data set's manifest from a store and checks it: digests, unique relative paths without "..". */
export async function readDataset(store: BlobStore, digest: Sha256): Promise<DatasetManifest> {
  const sizeBytes = await store.size(parseSha256(digest, 'data set'));
  if (sizeBytes === undefined)
    throw new AtollError('FAILED_PRECONDITION', `cannot use data set ${digest}: its manifest was not uploaded`);
  if (sizeBytes > maxManifestBytes)
    throw new AtollError('INVALID_ARGUMENT', `cannot use data set ${digest}: its manifest has ${sizeBytes} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get(digest)) chunks.push(chunk);
  const manifest = decode(Buffer.concat(chunks), digest);
  const seen = new Set<string>();
  for (const file of manifest.files) {
    parseSha256(file.sha256, `digest of ${file.path}`);
    const unsafe =
      file.path.startsWith('/') || file.path.split('/').some((part) => part === '' || part === '.' || part === '..');
    if (unsafe || seen.has(file.path))
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot use data set ${digest}: path ${JSON.stringify(file.path)} is not allowed`,
      );
    seen.add(file.path);
  }
  return manifest;
}

function decode(bytes: Buffer, digest: Sha256): DatasetManifest {
  try {
    return DatasetManifest.decode(bytes);
  } catch (error) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use data set ${digest}: its manifest is broken: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

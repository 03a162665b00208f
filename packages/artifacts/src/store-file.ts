import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '@atoll/base/digest';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { BlobStore } from './store.js';

/** Keeps a file that a job has left in `folder` and gives the artifact that names it; `name` may have folders of its own. */
export async function storeFile(store: BlobStore, folder: string, name: string): Promise<Artifact> {
  const path = join(folder, name);
  const sha256 = await sha256File(path);
  const { size } = await stat(path);
  await store.put({ sha256, sizeBytes: size }, createReadStream(path));
  return { name, sha256, sizeBytes: BigInt(size) };
}

/**
 * The releases on this node's disk:
 *   blobs/ab/abcd…     complete and verified files, by digest
 *   partial/abcd…      files under way: the bytes there are checked again before they are built upon
 *   releases/SHA.pb    the signed envelope of each release, by its manifest's digest
 */
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileStore } from '@atoll/artifacts/file-store';
import type { BlobStore } from '@atoll/artifacts/store';
import { parseSha256, type Sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, isAtollError } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { blobsOf, type OpenedRelease, openRelease, releaseLimits } from '@atoll/release/manifest';
import type { PublicKeySet } from '@atoll/release/keys';
import type { Envelope, ReleaseManifest } from '@atoll/proto/atoll/v1/release';

/** Releases on disk. */
export interface ReleaseStore {
  readonly blobs: BlobStore;
  /** The kept release of that digest, its signature checked again, however old; undefined when it is not kept or no longer right. */
  open(manifestSha256: Sha256, trusted: PublicKeySet): Promise<OpenedRelease | undefined>;
  keep(manifestSha256: Sha256, envelope: Envelope): Promise<void>;
  /** Reads every file of a release once; DATA_LOSS when one is no longer what it was, and that one is removed, to be fetched again. */
  check(manifest: ReleaseManifest): Promise<void>;
  /** Where a file under way is. */
  partialPath(sha256: Sha256): string;
  /** Removes all that none of these releases needs. */
  collect(releases: readonly Sha256[], trusted: PublicKeySet): Promise<void>;
  /** Refuses (RESOURCE_EXHAUSTED) when that many more bytes exceed the quota or the disk. */
  checkSpace(moreBytes: number): Promise<void>;
}

/** Bytes of the disk that a node leaves free for others. */
const reserveBytes = 16 * 1024 * 1024;

/** Opens (and makes) the store; it never grows beyond `quotaBytes`. */
export async function openReleaseStore(root: string, quotaBytes: number): Promise<ReleaseStore> {
  const folders = { blobs: join(root, 'blobs'), partial: join(root, 'partial'), releases: join(root, 'releases') };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  const blobs = await openFileStore(folders.blobs, { maxBlobBytes: releaseLimits.artifactBytes });
  const envelopePath = (manifestSha256: Sha256): string => join(folders.releases, `${parseSha256(manifestSha256)}.pb`);

  const openKept = async (manifestSha256: Sha256, trusted: PublicKeySet): Promise<OpenedRelease | undefined> => {
    const bytes = await readBounded(envelopePath(manifestSha256), payloadTypes.release.maxBytes + 64 * 1024);
    if (bytes === undefined) return undefined;
    try {
      // Expiry forbids to begin with a release, not to go on: a committed one is opened at the dawn of time.
      const opened = openRelease(decodeEnvelope(bytes, payloadTypes.release), trusted, 0);
      return opened.manifestSha256 === manifestSha256 ? opened : undefined;
    } catch (error) {
      if (error instanceof AtollError) return undefined;
      throw error;
    }
  };

  return {
    blobs,
    open: openKept,
    keep: (manifestSha256, envelope) => writeFileAtomic(envelopePath(manifestSha256), encodeEnvelope(envelope)),
    check: async (manifest) => {
      for (const { sha256 } of blobsOf(manifest)) {
        try {
          for await (const _chunk of blobs.get(sha256)) continue;
        } catch (error) {
          if (isAtollError(error, 'DATA_LOSS')) await rm(await blobs.path(sha256), { force: true });
          throw error;
        }
      }
    },
    partialPath: (sha256) => join(folders.partial, parseSha256(sha256)),
    collect: async (releases, trusted) => {
      const wanted = new Set<string>();
      for (const manifestSha256 of releases) {
        const kept = await openKept(manifestSha256, trusted);
        if (kept === undefined) continue;
        wanted.add(`${manifestSha256}.pb`);
        for (const { sha256 } of blobsOf(kept.manifest)) wanted.add(sha256);
      }
      for (const { path, name } of await filesBelow(root)) {
        if (!wanted.has(name)) await rm(path, { force: true });
      }
    },
    checkSpace: async (moreBytes) => {
      let usedBytes = 0;
      for (const { path } of await filesBelow(root)) usedBytes += (await stat(path)).size;
      const { bavail, bsize } = await statfs(root);
      const freeBytes = bavail * bsize - reserveBytes;
      if (usedBytes + moreBytes <= quotaBytes && moreBytes <= freeBytes) return;
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        `cannot fetch ${moreBytes} bytes: ${usedBytes} of ${quotaBytes} are used, the disk has ${Math.max(0, freeBytes)} to give`,
      );
    },
  };
}

async function filesBelow(root: string): Promise<{ readonly path: string; readonly name: string }[]> {
  const found: { path: string; name: string }[] = [];
  const folders = [join(root, 'partial'), join(root, 'releases')];
  for (const entry of await readdir(join(root, 'blobs'), { withFileTypes: true })) {
    if (entry.isDirectory()) folders.push(join(root, 'blobs', entry.name));
  }
  for (const folder of folders) {
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isFile()) found.push({ path: join(folder, entry.name), name: entry.name });
  }
  return found;
}

async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      return (await file.stat()).size > maxBytes ? undefined : await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

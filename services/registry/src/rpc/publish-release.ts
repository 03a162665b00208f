import type { BlobStore } from '@atoll/artifacts/store';
import type { Clock } from '@atoll/base/clock';
import { AtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Database } from '@atoll/database/database';
import type { PublishReleaseRequest, PublishReleaseResponse } from '@atoll/proto/atoll/v1/registry';
import { encodeEnvelope } from '@atoll/release/envelope';
import type { PublicKeySet } from '@atoll/release/keys';
import { type OpenedRelease, openRelease } from '@atoll/release/manifest';
import { checkChunks, checkHeld, decidePublish, parseAlias } from '../releases/publishing.js';
import { chunksOf, findBlobs } from '../store/inspect-blobs.js';
import type { ReleaseStore } from '../store/release-store.js';
import { found, releaseMessage } from './release-message.js';

/** What publishing works on. */
export interface PublishContext {
  readonly db: Database;
  readonly releases: ReleaseStore;
  readonly blobs: BlobStore;
  readonly buildKeys: PublicKeySet;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Verifies the signature, every field and every blob, and only then stores. */
export function publishRelease(context: PublishContext) {
  const { db, releases, blobs, buildKeys, clock, log } = context;
  return async ({ envelope, alias }: PublishReleaseRequest): Promise<PublishReleaseResponse> => {
    if (envelope === undefined) throw new AtollError('INVALID_ARGUMENT', 'cannot publish: the request has no envelope');
    if (alias !== '') parseAlias(alias);
    const opened = openRelease(envelope, buildKeys, clock.nowMs());
    const { model, version } = opened.manifest;
    decidePublish(releases.byVersion(model, version)?.manifestSha256, opened);
    await checkBlobs(blobs, opened);
    db.transaction(() => {
      // Decided again: another call may have stored this version while the blobs were read.
      if (decidePublish(releases.byVersion(model, version)?.manifestSha256, opened) === 'new') {
        const { manifestSha256 } = opened;
        const createdUnixMs = BigInt(clock.nowMs());
        releases.add({
          model,
          version,
          manifestSha256,
          createdUnixMs,
          envelope: Buffer.from(encodeEnvelope(envelope)),
        });
      }
      if (alias !== '') releases.setAlias(model, alias, version);
    });
    log.info('published', { model, version, manifestSha256: opened.manifestSha256, alias });
    return { release: releaseMessage(found(releases.byVersion(model, version), `${model} v${version}`)) };
  };
}

async function checkBlobs(blobs: BlobStore, opened: OpenedRelease): Promise<void> {
  checkHeld(opened, await findBlobs(blobs, opened));
  for (const { sha256, chunkSizeBytes, chunkSha256 } of opened.manifest.artifacts) {
    checkChunks(opened, sha256, chunkSha256, await chunksOf(blobs, sha256, chunkSizeBytes));
  }
}

import { AtollError } from '@atoll/base/error';
import type { Release } from '@atoll/proto/atoll/v1/registry';
import { Envelope } from '@atoll/proto/atoll/v1/release';
import type { ReleaseRecord, StoredRelease } from '../store/release-store.js';

/** A release for the wire, its envelope included. */
export function releaseMessage(release: StoredRelease): Release {
  return { ...recordMessage(release), envelope: Envelope.decode(release.envelope) };
}

/** A release for the wire without its envelope. */
export function recordMessage({ model, version, manifestSha256, createdUnixMs, aliases }: ReleaseRecord): Release {
  return { model, version, manifestSha256, createdUnixMs, aliases: [...aliases], envelope: undefined };
}

/** The release, or NOT_FOUND. */
export function found(release: StoredRelease | undefined, what: string): StoredRelease {
  if (release !== undefined) return release;
  throw new AtollError('NOT_FOUND', `cannot find release ${what.slice(0, 160)}: it was never published`);
}

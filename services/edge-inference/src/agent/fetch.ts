/** Brings a release to this node: the envelope by name, checked against what the director named, then its files. */
import { AtollError, type ErrorCode, isAtollError, reasonOf } from '@atoll/base/error';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { Envelope, ReleaseManifest } from '@atoll/proto/atoll/v1/release';
import type { PublicKeySet } from '@atoll/release/keys';
import { blobsOf, openRelease } from '@atoll/release/manifest';
import type { Channel } from '@atoll/rpc/channel';
import type { ModelRef, Reason } from './decide.js';
import { diskFailureCode } from './disk-failure.js';
import type { BlobSources } from './blob-sources.js';
import { fetchBlob, whileAway, type WantedBlob } from './fetch-blob.js';
import type { ReleaseStore } from './release-store.js';

/** What fetching depends on. */
export interface FetchContext {
  /** The registry, for releases. */
  readonly channel: Channel;
  /** Where blobs come from. */
  readonly sources: BlobSources;
  readonly store: ReleaseStore;
  readonly buildKeys: PublicKeySet;
  /** Now, milliseconds since the Unix epoch: no release that is expired then is begun with. */
  readonly nowMs: number;
}

/**
 * Makes the release complete on this disk and gives its manifest; what is there already is not fetched again, and nothing is
 * asked of the network when all is there. Waits for a registry that is away until `signal` aborts.
 */
export async function fetchRelease(
  context: FetchContext,
  ref: ModelRef,
  signal: AbortSignal,
): Promise<ReleaseManifest> {
  const { store, sources, buildKeys, nowMs } = context;
  const kept = await store.open(ref.manifestSha256, buildKeys);
  const manifest = kept?.manifest ?? (await fetchManifest(context, ref, signal));
  if (manifest.expiresUnixMs < BigInt(Math.floor(nowMs))) {
    throw refused('EXPIRED', `cannot begin with ${nameOf(ref)}: its release is expired`);
  }
  const wanted: WantedBlob[] = [];
  for (const blob of wantedBlobs(manifest)) {
    if ((await store.blobs.size(blob.sha256)) === undefined) wanted.push(blob);
  }
  const missingBytes = wanted.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  // While a file moves from partial to blob it is there twice.
  const largestBytes = wanted.reduce((most, blob) => Math.max(most, blob.sizeBytes), 0);
  if (missingBytes > 0) await store.checkSpace(missingBytes + largestBytes);
  for (const blob of wanted) {
    await fetchBlob({ sources, store: store.blobs, partialPath: store.partialPath(blob.sha256) }, blob, signal);
  }
  return manifest;
}

const reasonCodes: Partial<Record<ErrorCode, string>> = {
  PERMISSION_DENIED: 'BAD_SIGNATURE',
  DATA_LOSS: 'CORRUPT_BLOB',
  RESOURCE_EXHAUSTED: 'NO_SPACE',
  NOT_FOUND: 'NOT_FOUND',
  FAILED_PRECONDITION: 'EXPIRED',
};

/** Why a release could not be brought, for the status report. */
export function fetchReason(error: unknown): Reason {
  const disk = diskFailureCode(error);
  if (disk !== undefined) return { code: disk, message: `cannot fetch the release: ${reasonOf(error)}` };
  if (!isAtollError(error)) return { code: 'INTERNAL', message: `cannot fetch the release: ${reasonOf(error)}` };
  const code = error.detail['reason'] ?? reasonCodes[error.code] ?? 'BAD_RELEASE';
  return { code, message: error.message };
}

async function fetchManifest(
  { channel, store, buildKeys, nowMs }: FetchContext,
  ref: ModelRef,
  signal: AbortSignal,
): Promise<ReleaseManifest> {
  const request = { model: ref.model, version: ref.version, alias: '' };
  const registry = channel.client(RegistryServiceService);
  const { release } = await whileAway(signal, () => registry.getRelease(request, { signal, timeoutMs: 10_000 }));
  const envelope: Envelope | undefined = release?.envelope;
  if (envelope === undefined) throw refused('NOT_FOUND', `cannot fetch ${nameOf(ref)}: the registry gave no envelope`);
  const { manifest, manifestSha256 } = openRelease(envelope, buildKeys, nowMs);
  if (manifestSha256 !== ref.manifestSha256 || manifest.model !== ref.model || manifest.version !== ref.version) {
    const got = `${manifest.model} v${manifest.version} with digest ${manifestSha256}`;
    throw refused('MANIFEST_MISMATCH', `cannot use ${got}: wanted is ${nameOf(ref)} with ${ref.manifestSha256}`);
  }
  await store.keep(manifestSha256, envelope);
  return manifest;
}

/** Every blob of a manifest with its chunks; golden blobs are small and one chunk each. */
function wantedBlobs(manifest: ReleaseManifest): WantedBlob[] {
  const chunked = new Map(manifest.artifacts.map((artifact) => [artifact.sha256, artifact]));
  return blobsOf(manifest).map(({ sha256, sizeBytes }) => {
    const artifact = chunked.get(sha256);
    if (artifact === undefined) {
      return { sha256, sizeBytes, chunkSizeBytes: sizeBytes, chunkSha256: [Buffer.from(sha256, 'hex')] };
    }
    return { sha256, sizeBytes, chunkSizeBytes: artifact.chunkSizeBytes, chunkSha256: artifact.chunkSha256 };
  });
}

function refused(reason: string, message: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', message, { detail: { reason } });
}

function nameOf({ model, version }: ModelRef): string {
  return `${model} v${version}`;
}

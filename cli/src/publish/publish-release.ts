import type { KeyObject } from 'node:crypto';
import { uploadBlobs } from '@atoll/artifacts/remote';
import { AtollError } from '@atoll/base/error';
import { type Release, RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import { sealRelease } from '@atoll/release/manifest';
import type { Channel } from '@atoll/rpc/channel';
import { describeRelease, type ReleaseParts } from './manifest.js';

/** Signs a release, sends its blobs to a registry and stores it there. */
export async function publishRelease(
  registry: Channel,
  parts: ReleaseParts,
  options: { readonly buildKey: KeyObject; readonly alias: string; readonly signal: AbortSignal },
): Promise<{ readonly release: Release; readonly artifacts: { target: string; sha256: string; sizeBytes: bigint }[] }> {
  const { manifest, blobs } = describeRelease(parts);
  // Signed first: a manifest with a fault is refused before anything is sent.
  const envelope = sealRelease(manifest, options.buildKey);
  await uploadBlobs(registry, blobs, options.signal);
  const client = registry.client(RegistryServiceService);
  const { release } = await client.publishRelease({ envelope, alias: options.alias }, { signal: options.signal });
  if (release === undefined)
    throw new AtollError('INTERNAL', 'cannot publish the release: the registry gave none back');
  const artifacts = manifest.artifacts.map(({ target, sha256, sizeBytes }) => ({ target, sha256, sizeBytes }));
  return { release, artifacts };
}

/** The version after the newest one of a model; 1 for a new model. */
export async function nextVersion(registry: Channel, model: string, signal: AbortSignal): Promise<bigint> {
  const client = registry.client(RegistryServiceService);
  const { releases } = await client.listReleases({ model, pageSize: 1, pageToken: '' }, { signal });
  return (releases[0]?.version ?? 0n) + 1n;
}

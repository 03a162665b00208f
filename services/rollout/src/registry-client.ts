import type { Clock } from '@atoll/base/clock';
import type { Sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { PublicKeySet } from '@atoll/release/keys';
import { openRelease } from '@atoll/release/manifest';
import type { Channel } from '@atoll/rpc/channel';

/** Finds a release and gives the digest under which desired states name it. */
export type FindRelease = (model: string, version: bigint, signal: AbortSignal) => Promise<Sha256>;

/** Asks a registry, and believes only what a build key has signed. */
export function registryClient(channel: Channel, buildKeys: PublicKeySet, clock: Clock): FindRelease {
  const registry = channel.client(RegistryServiceService);
  return async (model, version, signal) => {
    const { release } = await registry.getRelease({ model, version, alias: '' }, { signal, timeoutMs: 10_000 });
    if (release?.envelope === undefined) {
      throw new AtollError('INTERNAL', `cannot use release ${model} v${version}: the registry sent no envelope`);
    }
    const { manifest, manifestSha256 } = openRelease(release.envelope, buildKeys, clock.nowMs());
    if (manifest.model === model && manifest.version === version) return manifestSha256;
    throw new AtollError(
      'INTERNAL',
      `cannot use release ${model} v${version}: the registry sent ${manifest.model} v${manifest.version}`,
    );
  };
}

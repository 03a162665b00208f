/** A registry that answers GetRelease over real gRPC with releases that a test has sealed. */
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { type GetReleaseRequest, RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { Envelope } from '@atoll/proto/atoll/v1/release';
import { bindService } from '@atoll/rpc/handlers';
import { type RunningServer, startServer } from '@atoll/rpc/server';

/** Starts it on a free port; `releases` may grow meanwhile, by version. */
export function startRegistryForTests(releases: ReadonlyMap<bigint, Envelope>): Promise<RunningServer> {
  const unused = async (): Promise<never> => {
    throw new AtollError('UNIMPLEMENTED', 'the controller only reads releases');
  };
  const registry = bindService(RegistryServiceService, {
    publishRelease: unused,
    listReleases: unused,
    setAlias: unused,
    getRelease: async ({ model, version }: GetReleaseRequest) => {
      const envelope = releases.get(version);
      if (envelope === undefined) throw new AtollError('NOT_FOUND', `cannot find release ${model} v${version}`);
      return { release: { model, version, manifestSha256: '', createdUnixMs: 0n, aliases: [], envelope } };
    },
  });
  return startServer({ listen: '127.0.0.1:0', services: [registry], log: silentLogger });
}

import { join } from 'node:path';
import { openFileStore } from '@atoll/artifacts/file-store';
import { blobService } from '@atoll/artifacts/serve';
import type { Clock } from '@atoll/base/clock';
import type { Running } from '@atoll/base/lifecycle';
import type { Logger } from '@atoll/base/log';
import { openDatabase } from '@atoll/database/database';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import { readPublicKeys } from '@atoll/release/keys';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import type { RegistryConfig } from './config.js';
import { getRelease } from './rpc/get-release.js';
import { listReleases } from './rpc/list-releases.js';
import { publishRelease } from './rpc/publish-release.js';
import { setAlias } from './rpc/set-alias.js';
import { migrations } from './store/migrations.js';
import { releaseStore } from './store/release-store.js';

export type { RegistryConfig } from './config.js';

/** What the registry takes from whoever starts it. */
export interface RegistryDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** Starts the registry: it verifies and stores releases and their blobs, and signs nothing. */
export async function startRegistry(config: RegistryConfig, { log, clock }: RegistryDeps): Promise<Running> {
  const buildKeys = await readPublicKeys(config.buildKeysPath);
  // First, because it keeps a second registry away from the blobs too.
  const db = openDatabase(join(config.dataDir, 'registry.sqlite'), migrations);
  try {
    const blobs = await openFileStore(join(config.dataDir, 'blobs'));
    const releases = releaseStore(db);
    const registry = bindService(RegistryServiceService, {
      publishRelease: publishRelease({ db, releases, blobs, buildKeys, clock, log }),
      getRelease: getRelease(releases),
      listReleases: listReleases(releases),
      setAlias: setAlias(releases, log),
    });
    const server = await startServer({ listen: config.listen, services: [registry, blobService(blobs)], log });
    log.info('registry is ready', { address: server.address, buildKeys: [...buildKeys.keys()] });
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await server.stop();
      db.close();
    };
    return { address: server.address, stop: () => (stopping ??= stop()) };
  } catch (error) {
    db.close();
    throw error;
  }
}

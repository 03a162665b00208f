import { join } from 'node:path';
import { type Env, EnvReader } from '@atoll/base/env';
import { type LogLevel, logLevels } from '@atoll/base/log';

/** What the registry is started with. */
export interface RegistryConfig {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  /** A folder of the registry's own: its database and its blobs. */
  readonly dataDir: string;
  /** Trust file with the public keys of those who may publish. */
  readonly buildKeysPath: string;
  readonly logLevel: LogLevel;
}

/** Reads the environment; throws with every fault at once. */
export function readConfig(env: Env): RegistryConfig {
  const reader = new EnvReader(env, 'ATOLL_REGISTRY_');
  const common = reader.text('ATOLL_DATA_DIR', '.atoll');
  const config: RegistryConfig = {
    listen: reader.text('ATOLL_REGISTRY_LISTEN', '127.0.0.1:7403'),
    dataDir: reader.text('ATOLL_REGISTRY_DATA_DIR', join(common, 'registry')),
    buildKeysPath: reader.text('ATOLL_REGISTRY_BUILD_KEYS'),
    logLevel: reader.choice('ATOLL_LOG', 'info', logLevels),
  };
  reader.done();
  return Object.freeze(config);
}

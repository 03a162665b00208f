import { join } from 'node:path';
import { type Env, EnvReader } from '@atoll/base/env';
import { type LogLevel, logLevels } from '@atoll/base/log';

/** What the rollout controller is started with. */
export interface RolloutConfig {
  /** host:port (port 0 = any free one) or unix:PATH. */
  readonly listen: string;
  /** A folder of the controller's own: its database. */
  readonly dataDir: string;
  /** PEM file of the private key that signs desired states. */
  readonly directorKeyPath: string;
  /** Trust file with the public keys of those who may publish releases. */
  readonly buildKeysPath: string;
  /** JSON file with the nodes of the fleet: [{id, publicKey, labels}]. */
  readonly nodesPath: string;
  /** Address of the registry. */
  readonly registry: string;
  readonly natsUrl: string;
  /** File with the seed of the key that logs in to NATS. */
  readonly natsCredentialsPath: string;
  /** A node that was not heard of for so long is away, milliseconds; some heartbeats long. */
  readonly offlineAfterMs: number;
  /** A controller leads for so long after its last sign of life before another that shares its database may, milliseconds. */
  readonly leaseMs: number;
  readonly logLevel: LogLevel;
}

/** Reads the environment; throws with every fault at once. */
export function readConfig(env: Env): RolloutConfig {
  const reader = new EnvReader(env, 'ATOLL_ROLLOUT_');
  const common = reader.text('ATOLL_DATA_DIR', '.atoll');
  const config: RolloutConfig = {
    listen: reader.text('ATOLL_ROLLOUT_LISTEN', '127.0.0.1:7404'),
    dataDir: reader.text('ATOLL_ROLLOUT_DATA_DIR', join(common, 'rollout')),
    directorKeyPath: reader.text('ATOLL_ROLLOUT_DIRECTOR_KEY'),
    buildKeysPath: reader.text('ATOLL_ROLLOUT_BUILD_KEYS'),
    nodesPath: reader.text('ATOLL_ROLLOUT_NODES'),
    registry: reader.text('ATOLL_ROLLOUT_REGISTRY', '127.0.0.1:7403'),
    natsUrl: reader.text('ATOLL_NATS_URL', 'nats://127.0.0.1:4222'),
    natsCredentialsPath: reader.text('ATOLL_ROLLOUT_NATS_CREDENTIALS'),
    offlineAfterMs: reader.integer('ATOLL_ROLLOUT_OFFLINE_AFTER_MS', 90_000, 100, 86_400_000),
    leaseMs: reader.integer('ATOLL_ROLLOUT_LEASE_MS', 5_000, 200, 600_000),
    logLevel: reader.choice('ATOLL_LOG', 'info', logLevels),
  };
  reader.done();
  return Object.freeze(config);
}

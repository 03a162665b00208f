import type { Env } from './env.js';
import { nearestName } from './nearest.js';

/** Names that several parts of Atoll share; all others belong to one service and begin with its prefix. */
export const sharedNames = [
  'ATOLL_BUILD_KEY',
  'ATOLL_CACHE',
  'ATOLL_DATA_DIR',
  'ATOLL_LOG',
  'ATOLL_NATS_SERVER',
  'ATOLL_NATS_URL',
  'ATOLL_PEERS',
  'ATOLL_REQUIRE_KUBE',
  'ATOLL_SERVER',
  'ATOLL_UP_PORTS',
] as const;

/** What the settings of each service begin with; the service itself refuses those that it does not know. */
export const servicePrefixes = [
  'ATOLL_EDGE_INFERENCE_',
  'ATOLL_QUANTIZER_COMPILER_',
  'ATOLL_REGISTRY_',
  'ATOLL_ROLLOUT_',
  'ATOLL_TRAINER_',
] as const;

/** One line for each ATOLL_ name that nothing reads: a slip of the pen that would otherwise do nothing silently. */
export function strayNames(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('ATOLL_'))
    .filter((name) => !sharedNames.some((shared) => shared === name))
    .filter((name) => !servicePrefixes.some((prefix) => name.startsWith(prefix)))
    .map((name) => {
      const near = nearestName(name, sharedNames);
      return `${name} is not known and does nothing${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

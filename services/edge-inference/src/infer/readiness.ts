/*
 * What a node could answer now. A version answers while it takes requests and some slot can run it, or when it rests for want of
 * memory, because its next request loads it; one that no slot can load again does not, though it is still in service.
 */
import type { SlotPool } from '../runtime/pool.js';
import type { SwapManager } from '../swap/manager.js';
import type { VersionTarget } from '../swap/target.js';
import { isAtollError } from '@atoll/base/error';

/** See the head of the file. */
export interface Readiness {
  /** Whether it could answer with any model. */
  server(): boolean;
  /** Whether it could answer with this one; a model that it does not have is not ready, so that callers can wait for it. */
  model(name: string, target: VersionTarget): boolean;
  /** Every version that is loaded or rests. */
  versions(): readonly VersionReadiness[];
}

/** How it stands with one version. */
export interface VersionReadiness {
  readonly model: string;
  readonly version: bigint;
  /** It is the one that requests go to that name nothing. */
  readonly inService: boolean;
  readonly ready: boolean;
}

/** See the head of the file. */
export function createReadiness(
  manager: Pick<SwapManager, 'versions' | 'find' | 'describe'>,
  pool: Pick<SlotPool, 'faultOf'>,
): Readiness {
  const versions = (): VersionReadiness[] => {
    const loaded = manager.versions().map(({ served: { pkg, state, handle }, inService }) => ({
      model: pkg.model,
      version: pkg.version,
      inService,
      ready: state === 'ready' && pool.faultOf(handle) === undefined,
    }));
    const resting = manager
      .describe()
      .flatMap(({ name, versions: described }) =>
        described
          .filter(({ state }) => state === 'resting')
          .map(({ version }) => ({ model: name, version, inService: true, ready: true })),
      );
    return [...loaded, ...resting];
  };
  return {
    versions,
    server: () => versions().some(({ inService, ready }) => inService && ready),
    model(name, target) {
      try {
        const { pkg } = manager.find(name, target);
        return versions().some(({ model, version, ready }) => model === name && version === pkg.version && ready);
      } catch (error) {
        if (isAtollError(error, 'NOT_FOUND')) return false;
        throw error;
      }
    },
  };
}

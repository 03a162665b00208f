/** A swapper without a runtime: it keeps the seam's contract in memory, and a test says how each version behaves. */
import { AtollError } from '@atoll/base/error';
import type { ModelPackage } from '../models/model-package.js';
import { requestThatTook } from '../stats/requests-for-tests.js';
import { createStats, type StatsRecorder } from '../stats.js';
import type { ActivateFailure, ActivateResult, ActivateStage, ActiveVersion, Swapper } from '../swap/swapper.js';

/** How a version behaves. */
export interface Behaviour {
  readonly fails?: ActivateFailure;
  /** Waits in its probe until it is aborted. */
  readonly hangs?: boolean;
}

/** The swapper and what a test does to it. */
export interface MemorySwapper extends Swapper {
  behave(version: bigint, behaviour: Behaviour): void;
  /** Versions that went into service, in order, reverts included. */
  readonly flips: bigint[];
  recorder(model: string, version: bigint): StatsRecorder;
  /** Counts a request that the version answered. */
  answered(model: string, version: bigint, tookMs: number): void;
}

/** A swapper that serves nothing yet. */
export function createMemorySwapper(): MemorySwapper {
  const inService = new Map<string, ModelPackage>();
  const before = new Map<string, ModelPackage>();
  const recorders = new Map<string, StatsRecorder>();
  const behaviours = new Map<bigint, Behaviour>();
  const flips: bigint[] = [];

  const recorder = (model: string, version: bigint): StatsRecorder => {
    const key = `${model}.${version}`;
    const found = recorders.get(key) ?? createStats();
    recorders.set(key, found);
    return found;
  };
  const flip = (pkg: ModelPackage): void => {
    const old = inService.get(pkg.model);
    if (old !== undefined) before.set(pkg.model, old);
    inService.set(pkg.model, pkg);
    recorders.set(`${pkg.model}.${pkg.version}`, createStats());
    flips.push(pkg.version);
  };

  return {
    flips,
    recorder,
    answered: (model, version, tookMs) => recorder(model, version).record(requestThatTook(tookMs)),
    behave: (version, behaviour) => void behaviours.set(version, behaviour),
    activate: async (
      pkg: ModelPackage,
      signal: AbortSignal,
      onStage?: (stage: ActivateStage) => void,
    ): Promise<ActivateResult> => {
      signal.throwIfAborted();
      if (inService.get(pkg.model)?.manifestSha256 === pkg.manifestSha256) return { outcome: 'ok', backend: 'memory' };
      onStage?.('probing');
      const { fails, hangs = false } = behaviours.get(pkg.version) ?? {};
      if (hangs)
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      if (fails !== undefined) return { outcome: 'failed', reason: fails, message: `it is told to be ${fails}` };
      onStage?.('swapping');
      flip(pkg);
      return { outcome: 'ok', backend: 'memory' };
    },
    revert: async (model) => {
      const old = before.get(model);
      if (old === undefined)
        throw new AtollError('FAILED_PRECONDITION', `cannot revert ${model}: there is no version before`);
      flip(old);
    },
    retire: async (model) => {
      inService.delete(model);
      before.delete(model);
    },
    active: (model): ActiveVersion | undefined => {
      const pkg = inService.get(model);
      return pkg && { version: pkg.version, manifestSha256: pkg.manifestSha256, backend: 'memory' };
    },
    stats: (model, version) => recorder(model, version).snapshot(),
  };
}

/*
 * Versions beside the stable one: a canary that answers a share of the requests, and a shadow that gets a copy of some of them
 * and answers nobody. Both are tried before they are loaded, watched as long as they run, and taken away when they fail.
 */
import { AtollError } from '@atoll/base/error';
import { tensorMismatch } from '../models/golden.js';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import type { ChangeDeps } from './changes.js';
import { probeBeside } from './changes.js';
import type { Loader } from './loader.js';
import type { Entry, Model } from './model-state.js';
import { beside, failedBeside } from './model-state.js';
import type { ActivateResult } from './swapper.js';

/** Where a version can run beside the stable one. */
export type BesideLabel = 'canary' | 'shadow';

/** Shares in percent, 0 to 100; undefined = as it is. */
export interface Shares {
  readonly canary?: number;
  readonly shadow?: number;
}

/** A version that shall run beside the stable one. */
export interface BesideRequest {
  readonly pkg: ModelPackage;
  readonly label: BesideLabel;
  /** Its share, 0 to 100. */
  readonly percent: number;
  /** How far a shadow that is no classifier may be off, in real units; 0 = any. */
  readonly maxMeanAbsError?: number;
}

/** See the head of the file. */
export interface Besides {
  /** Loads the package beside the stable version, instead of one under the same label. FAILED_PRECONDITION without a stable version. */
  begin(request: BesideRequest, signal: AbortSignal): Promise<ActivateResult>;
  /** FAILED_PRECONDITION for a share of what is not there. */
  share(model: string, shares: Shares): void;
  /** Its requests go to the stable version from now on; it is drained and freed. Nothing to do when it is not there. */
  remove(model: string, label: BesideLabel, reason: string): Promise<void>;
  /** The same for what failed its trial, unless another has taken its place meanwhile. */
  removeFailed(model: Model, label: BesideLabel, version: bigint, reason: string): Promise<void>;
}

/** See the head of the file. */
export function createBesides(deps: ChangeDeps & { readonly loader: Loader }): Besides {
  const { models, residency, trials } = deps;

  const take = async (model: Model, label: BesideLabel, reason: string): Promise<void> => {
    const side = model[label];
    if (side === undefined) return;
    model[label] = undefined;
    trials.end(model, label);
    models.note(model, { kind: 'removed', version: side.entry.pkg.version, label, reason });
    await residency.leave(model, side.entry);
  };

  const begin = async (
    model: Model,
    { pkg, label, percent, maxMeanAbsError = 0 }: BesideRequest,
    signal: AbortSignal,
  ): Promise<ActivateResult> => {
    const failed = (fault: PackageFault): ActivateResult => {
      models.note(model, { kind: 'refused', version: pkg.version, label, reason: `${fault.reason}: ${fault.message}` });
      const message = `cannot run ${packageName(pkg)} as ${label}: ${fault.message}`;
      return { outcome: 'failed', reason: fault.reason, message };
    };
    await residency.wake(model);
    const { stable } = model;
    if (stable === undefined) {
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot run ${packageName(pkg)} as ${label}: no version is in service`,
      );
    }
    if (model.entries.some((entry) => entry.pkg.version === pkg.version && entry !== model[label]?.entry)) {
      return failed({ reason: 'BAD_PACKAGE', message: 'this version is loaded under another label' });
    }
    const probed = await probeBeside(deps, stable.needs, pkg, signal);
    if (probed.fault !== undefined) return failed(probed.fault);
    signal.throwIfAborted();
    await take(model, label, `v${pkg.version} takes its place`);
    const placed = await residency.memory.withRoom(model, probed.memoryBytes, [], async (policy) =>
      policy === 'availability-preserving' ? await deps.loader.load(pkg, probed) : undefined,
    );
    if (placed.kind === 'none') return failed({ reason: 'NO_ROOM', message: placed.reason });
    const loaded = placed.result;
    if (loaded === undefined) return failed({ reason: 'NO_ROOM', message: 'there is no room for two versions' });
    if ('fault' in loaded) return failed(loaded.fault);
    const { entry } = loaded;
    model.entries.push(entry);
    const misfit = label === 'shadow' ? misfitOf(stable, entry) : undefined;
    if (misfit !== undefined) {
      await residency.leave(model, entry);
      return failed({ reason: 'BAD_PACKAGE', message: misfit });
    }
    entry.tally.maxMeanAbsError = maxMeanAbsError;
    model[label] = beside(entry, percent);
    models.note(model, { kind: 'begun', version: pkg.version, label, reason: `${percent} % of the requests` });
    trials.begin(model, label, entry, stable.stats);
    deps.onServing();
    return { outcome: 'ok', backend: entry.info.backend };
  };

  return {
    async begin(request, signal) {
      checkPercent(request.pkg.model, request.percent);
      const model = models.of(request.pkg.model);
      return await model.turns.take(() => begin(model, request, signal));
    },
    share(name, shares) {
      const model = models.all.get(name);
      const changes = (['canary', 'shadow'] as const).flatMap((label) => {
        const percent = shares[label];
        if (percent === undefined) return [];
        checkPercent(name, percent);
        const side = model?.[label];
        if (side?.failed !== undefined) throw failedBeside(`set a share of ${name}`, label, side);
        if (model !== undefined && side !== undefined) return [{ model, label, side, percent }];
        throw new AtollError('FAILED_PRECONDITION', `cannot set a share of ${name}: it has no ${label}`);
      });
      for (const { model: of, label, side, percent } of changes) {
        side.percent = percent;
        models.note(of, { kind: 'share', version: side.entry.pkg.version, label, reason: `${percent} %` });
      }
    },
    async remove(name, label, reason) {
      const model = models.all.get(name);
      await model?.turns.take(() => take(model, label, reason));
    },
    async removeFailed(model, label, version, reason) {
      const failed = model[label];
      if (failed?.entry.pkg.version !== version) return;
      // At once: a change that is under way in the model's turn may take long.
      failed.percent = 0;
      failed.failed = reason;
      await model.turns.take(async () => {
        if (model[label] === failed) await take(model, label, reason);
      });
    },
  };
}

/** A shadow gets the very bytes that the stable version got, so it has to take them the same way. */
function misfitOf(stable: Entry, shadow: Entry): string | undefined {
  const inputs = tensorMismatch(stable.info.inputs, shadow.info.inputs);
  if (inputs !== undefined) return `it takes other inputs than v${stable.pkg.version}: ${inputs}`;
  if (JSON.stringify(stable.pkg.preprocessing ?? null) === JSON.stringify(shadow.pkg.preprocessing ?? null)) {
    return undefined;
  }
  return `its preprocessing is not that of v${stable.pkg.version}: the same photo would reach it as other bytes`;
}

function checkPercent(model: string, percent: number): void {
  if (percent >= 0 && percent <= 100) return;
  throw new AtollError('INVALID_ARGUMENT', `cannot set a share of ${model}: ${percent} is no percentage`);
}

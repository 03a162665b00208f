/*
 * What can be done to a model's stable version: activate, revert, retire; and what a trial that has ended does to it. Each takes
 * the model's turn, tries before it touches what serves, and leaves a decision behind.
 */
import { AtollError } from '@atoll/base/error';
import type { ModelPackage } from '../models/model-package.js';
import { packageName } from '../models/model-package.js';
import type { PackageFault } from '../models/verify.js';
import type { ProbeResult } from '../runtime/probe.js';
import type { TrialReason } from './judge.js';
import { tooSlowBeside } from './too-slow.js';
import type { Entry, Model, Needs, Owner } from './model-state.js';
import { failedBeside, samePackage } from './model-state.js';
import type { NodeModels } from './node-models.js';
import type { Residency } from './residency.js';
import type { ActivateResult, ActivateStage } from './swapper.js';
import type { Trials } from './trials.js';

/** Tries a package apart from what serves. */
export type Probe = (pkg: ModelPackage, signal: AbortSignal) => Promise<ProbeResult>;

/** What changes work with. */
export interface ChangeDeps {
  readonly models: NodeModels;
  readonly residency: Residency;
  readonly trials: Trials;
  readonly probe: Probe;
  /** How many times the fastest run of the version in service a version's may take; 0 = any. */
  readonly probeRatio: number;
  /** False = a version that takes over is not watched. */
  readonly tryNewVersions: boolean;
  readonly onServing: () => void;
}

/** See the head of the file. */
export interface Changes {
  activate(
    pkg: ModelPackage,
    owner: Owner,
    signal: AbortSignal,
    onStage?: (stage: ActivateStage) => void,
  ): Promise<ActivateResult>;
  revert(model: string): Promise<void>;
  retire(model: string): Promise<void>;
  /** The canary becomes the stable version. FAILED_PRECONDITION when there is none. */
  promote(model: string): Promise<void>;
  /** Brings the version before back because the present one has failed its trial, unless it has gone meanwhile. */
  returnFrom(model: Model, version: bigint, reason: TrialReason): Promise<void>;
}

/** See the head of the file. */
export function createChanges(deps: ChangeDeps): Changes {
  const { models, residency, trials } = deps;

  const failed = (model: Model, pkg: ModelPackage, fault: PackageFault): ActivateResult => {
    models.note(model, { kind: 'refused', version: pkg.version, reason: `${fault.reason}: ${fault.message}` });
    return { outcome: 'failed', reason: fault.reason, message: `cannot serve ${packageName(pkg)}: ${fault.message}` };
  };

  /** After a version took over: it is watched, and what runs beside it is held against it from now on. */
  const watch = (model: Model, before: Pick<Entry, 'stats'> | undefined): void => {
    const { stable, canary, shadow } = model;
    if (stable === undefined) return;
    if (before !== undefined && model.owner === 'node' && deps.tryNewVersions) {
      trials.begin(model, 'stable', stable, { last: before.stats.snapshot() });
    } else trials.end(model, 'stable');
    if (canary !== undefined) trials.begin(model, 'canary', canary.entry, stable.stats);
    if (shadow !== undefined) trials.begin(model, 'shadow', shadow.entry, stable.stats);
  };

  const takeOver = async (model: Model, before: Pick<Entry, 'stats'> | undefined, why: string): Promise<void> => {
    const { canary } = model;
    if (canary === undefined) throw noCanary(model.name);
    if (canary.failed !== undefined) throw failedBeside(`promote ${model.name}`, 'canary', canary);
    model.canary = undefined;
    trials.end(model, 'canary');
    const leaving = residency.install(model, canary.entry, why);
    watch(model, before);
    await leaving;
  };

  const swap = async (model: Model, pkg: ModelPackage, needs: Needs): Promise<ActivateResult> => {
    const before = model.stable ?? model.resting;
    const fault = await residency.bring(model, pkg, needs, 'activated');
    if (fault !== undefined) return failed(model, pkg, fault);
    watch(model, before);
    return { outcome: 'ok', backend: model.stable?.info.backend ?? '' };
  };

  const activate = async (
    model: Model,
    pkg: ModelPackage,
    signal: AbortSignal,
    onStage: (stage: ActivateStage) => void,
  ): Promise<ActivateResult> => {
    const present = model.stable ?? model.resting;
    if (present !== undefined && samePackage(present.pkg, pkg)) {
      const fault = await residency.wake(model);
      return fault === undefined ? { outcome: 'ok', backend: present.info.backend } : failed(model, pkg, fault);
    }
    const misnamed = misnamedBy(model, pkg);
    if (misnamed !== undefined) return failed(model, pkg, { reason: 'BAD_PACKAGE', message: misnamed });
    if (model.canary !== undefined && samePackage(model.canary.entry.pkg, pkg)) {
      const words = model.canary.failed;
      if (words !== undefined)
        return failed(model, pkg, { reason: 'BAD_PACKAGE', message: `it failed its trial as canary: ${words}` });
      await takeOver(model, present, 'activated from canary');
      return { outcome: 'ok', backend: model.stable?.info.backend ?? '' };
    }
    onStage('probing');
    const probed = await probeBeside(deps, present?.needs, pkg, signal);
    if (probed.fault !== undefined) return failed(model, pkg, probed.fault);
    signal.throwIfAborted();
    onStage('swapping');
    return await swap(model, pkg, probed);
  };

  const goBack = async (model: Model, why: string): Promise<void> => {
    const { previous } = model;
    if (previous === undefined) throw nothingBefore(model.name);
    const fault = await residency.bring(model, previous.pkg, previous.needs, why);
    if (fault !== undefined) {
      throw new AtollError('FAILED_PRECONDITION', `cannot revert to ${packageName(previous.pkg)}: ${fault.message}`);
    }
    model.previous = undefined; // what was left behind is not gone back to
    watch(model, undefined);
  };

  return {
    activate: (pkg, owner, signal, onStage = () => undefined) => {
      const model = models.of(pkg.model);
      return model.turns.take(async () => {
        const before = model.owner;
        model.owner = owner;
        const result = await activate(model, pkg, signal, onStage).catch((error: unknown) => {
          model.owner = before;
          throw error;
        });
        if (result.outcome === 'failed' && (model.stable ?? model.resting) !== undefined) model.owner = before;
        return result;
      });
    },
    revert: async (name) => {
      const model = models.all.get(name);
      if (model === undefined) throw nothingBefore(name);
      await model.turns.take(() => goBack(model, 'reverted'));
    },
    promote: async (name) => {
      const model = models.all.get(name);
      if (model === undefined) throw noCanary(name);
      await model.turns.take(() => takeOver(model, model.stable ?? model.resting, 'promoted from canary'));
    },
    retire: async (name) => {
      const model = models.all.get(name);
      await model?.turns.take(async () => {
        const { version } = (model.stable ?? model.resting)?.pkg ?? {};
        for (const label of ['stable', 'canary', 'shadow'] as const) trials.end(model, label);
        for (const entry of model.entries) entry.aspired = false;
        model.stable = model.resting = model.previous = model.canary = model.shadow = undefined;
        deps.onServing();
        for (const entry of model.entries) await residency.leave(model, entry);
        if (version !== undefined) models.note(model, { kind: 'retired', version, reason: 'it was retired' });
      });
    },
    returnFrom: async (model, version, reason) => {
      const failing = (model.stable ?? model.resting)?.pkg;
      if (failing?.version !== version) return;
      // At once: whatever has its turn before must not make it the version to go back to.
      model.failed.add(failing);
      await model.turns.take(async () => {
        // It may have been unloaded for want of memory meanwhile: its next request must not bring it back.
        if ((model.stable ?? model.resting)?.pkg.version !== version || model.previous === undefined) return;
        const { previous } = model;
        const why = `${reason.code}: ${reason.message}`;
        await goBack(model, `v${version} failed its trial`).catch((error: unknown) => {
          // It serves on for want of another, and is watched on: what keeps the one before away may pass.
          if (model.stable !== undefined) trials.begin(model, 'stable', model.stable, undefined);
          throw error;
        });
        const words = `${why}; back to v${previous.pkg.version}`;
        models.note(model, { kind: 'returned', version, label: 'stable', reason: words });
      });
    },
  };
}

/** Tries a package, and holds its time against that of the version in service. */
export async function probeBeside(
  { probe, probeRatio }: Pick<ChangeDeps, 'probe' | 'probeRatio'>,
  present: Needs | undefined,
  pkg: ModelPackage,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const probed = await probe(pkg, signal);
  if (probed.fault !== undefined) return probed;
  const slow = tooSlowBeside(present?.leastMs, probed.leastMs, probeRatio);
  return slow === undefined ? probed : { fault: { reason: 'TOO_SLOW', message: slow } };
}

function nothingBefore(name: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot revert ${name}: no version was in service before`);
}

function noCanary(name: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot promote ${name}: it has no canary`);
}

/** A version number that is in use for other files; a node's own stable version may be loaded anew from files that changed. */
function misnamedBy(model: Model, pkg: ModelPackage): string | undefined {
  const stable = model.stable ?? model.resting;
  if (model.owner === 'fleet' && stable?.pkg.version === pkg.version) {
    return 'this version is in service with another manifest';
  }
  for (const label of ['canary', 'shadow'] as const) {
    const other = model[label]?.entry.pkg;
    if (other?.version !== pkg.version || (label === 'canary' && samePackage(other, pkg))) continue;
    return label === 'canary'
      ? 'this version is the canary with other files'
      : 'this version is the shadow: remove it first';
  }
  return undefined;
}

import { AtollError } from '@atoll/base/error';
import type { ModelPackage } from '../models/model-package.js';
import type { LoadedInfo } from '../runtime/messages.js';
import type { StatsRecorder } from '../stats.js';
import type { Decision, DecisionKind } from './decisions.js';
import type { ServedVersion } from './served-version.js';
import type { VersionState } from './state.js';
import type { VersionLabel, VersionTarget } from './target.js';
import { createShareDealer } from './traffic.js';
import type { ShareDealer } from './traffic.js';
import type { Trial } from './trial.js';
import type { Turns } from './turns.js';
import { createTurns } from './turns.js';

/** What a version needs of the node, as its trial measured it; zeros when it was not measured. */
export interface Needs {
  /** In each slot. */
  readonly memoryBytes: number;
  /** Of its median run. */
  readonly medianMs: number;
  /** Of its fastest run. */
  readonly leastMs: number;
}

/** A loaded version. */
export interface Entry extends ServedVersion {
  readonly needs: Needs;
  state: VersionState;
  aspired: boolean;
}

/** A version that was loaded and comes back when it is asked for. */
export interface Resting {
  readonly pkg: ModelPackage;
  readonly info: LoadedInfo;
  readonly needs: Needs;
  /** Its numbers go on where they were. */
  readonly stats: StatsRecorder;
}

/** A version beside the stable one. */
export interface Beside {
  readonly entry: Entry;
  /** Of the canary: its share of the requests. Of the shadow: the share of the stable version's that it gets a copy of. */
  percent: number;
  readonly dealer: ShareDealer;
  /** It failed its trial and is about to be taken away: whoever waits for his turn must not build on it. */
  failed: string | undefined;
}

/** Who changes a model's versions. */
export type Owner = 'node' | 'fleet';

/** All about one model of the node. */
export interface Model {
  readonly name: string;
  /** What is loaded, oldest first. */
  entries: Entry[];
  /** Where requests go that name nothing; undefined while none is loaded. */
  stable: Entry | undefined;
  /** What the stable version was when it was unloaded for want of memory; undefined while one is loaded. */
  resting: Resting | undefined;
  canary: Beside | undefined;
  shadow: Beside | undefined;
  previous: Pick<Entry, 'pkg' | 'needs'> | undefined;
  /** What failed its trial as the stable version: nothing goes back to it. */
  readonly failed: WeakSet<ModelPackage>;
  /** Recorders of the versions last in service, newest last. */
  history: { readonly version: bigint; readonly stats: StatsRecorder }[];
  /** Under way, at most one a label. */
  trials: readonly Trial[];
  decisions: readonly Decision[];
  /** How many there were of each kind, forgotten ones included. */
  readonly decided: Map<DecisionKind, number>;
  owner: Owner;
  /** Changes happen one after the other; requests never wait for them. */
  readonly turns: Turns;
  /** Rises over all models with every use. */
  lastUse: number;
  lastUsedAtMs: number;
}

/** A model of which nothing is loaded. */
export function createModel(name: string): Model {
  return {
    name,
    entries: [],
    stable: undefined,
    resting: undefined,
    canary: undefined,
    shadow: undefined,
    previous: undefined,
    failed: new WeakSet(),
    history: [],
    trials: [],
    decisions: [],
    decided: new Map(),
    owner: 'node',
    turns: createTurns(),
    lastUse: 0,
    lastUsedAtMs: 0,
  };
}

/** A version that begins its life beside the stable one. */
export function beside(entry: Entry, percent: number): Beside {
  return { entry, percent, dealer: createShareDealer(), failed: undefined };
}

/** FAILED_PRECONDITION for what cannot be done with a version that failed its trial. */
export function failedBeside(what: string, label: string, { entry, failed }: Beside): AtollError {
  return new AtollError(
    'FAILED_PRECONDITION',
    `cannot ${what}: its ${label} v${entry.pkg.version} has failed its trial: ${failed ?? ''}`,
  );
}

/** The label that a loaded version carries; undefined when it is on its way out. */
export function labelOf(model: Model, served: ServedVersion): VersionLabel | undefined {
  if (served === model.stable) return 'stable';
  if (served === model.canary?.entry) return 'canary';
  return served === model.shadow?.entry ? 'shadow' : undefined;
}

/** The loaded version that a target names; for none the stable one. */
export function entryOf(model: Model, target: VersionTarget): Entry | undefined {
  if (target === undefined) return model.stable;
  if ('version' in target) return model.entries.findLast(({ pkg }) => pkg.version === target.version);
  if (target.label === 'canary') return model.canary?.entry;
  return target.label === 'shadow' ? model.shadow?.entry : target.label === 'stable' ? model.stable : undefined;
}

/** True when the target names the version that rests. */
export function wantsResting(resting: Resting, target: VersionTarget): boolean {
  if (target === undefined) return true;
  return 'version' in target ? target.version === resting.pkg.version : target.label === 'stable';
}

/** True when both are the same version of the same files. */
export function samePackage(a: ModelPackage, b: ModelPackage): boolean {
  return a.version === b.version && a.manifestSha256 === b.manifestSha256 && contentsOf(a) === contentsOf(b);
}

function contentsOf({ files, labels, golden }: ModelPackage): string {
  const digests = golden.map(({ input, output }) => [input.sha256, output.sha256]);
  return JSON.stringify([files.map(({ target, sha256 }) => [target, sha256]), labels, digests]);
}

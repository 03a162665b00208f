/*
 * The models that this node has without a fleet: folders of a repository, and single files given by name. It says what is there
 * and how it does, and loads and unloads on request. Every load goes through the swapper, so a bad version never disturbs what
 * serves; what a rollout put into service is listed here and left alone.
 */
import { AtollError, reasonOf, toAtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { Owner } from '../../swap/model-state.js';
import type { ServedVersion } from '../../swap/served-version.js';
import type { Swapper } from '../../swap/swapper.js';
import type { ModelFile } from '../from-file.js';
import { packageFromFile } from '../from-file.js';
import type { ModelPackage } from '../model-package.js';
import type { FolderModel, RepositoryFolder } from './folder.js';

/** How a version of a model does, in the words of the Open Inference Protocol's repository extension. */
export type ModelState = 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE';

/** A version that this node has, or a model of which it has none. */
export interface RepositoryEntry {
  readonly name: string;
  /** Decimal; empty for a model without any version. */
  readonly version: string;
  readonly state: ModelState;
  /** Why it does not serve, or not at once; empty when it does. */
  readonly reason: string;
}

/** What this node has, and how to change what of it serves. */
export interface Repository {
  /** Every version in the repository, and whatever else is loaded, by name and rising version. */
  index(): Promise<readonly RepositoryEntry[]>;
  /**
   * Puts a version into service, the newest when none is named. NOT_FOUND when there is none; FAILED_PRECONDITION when it
   * cannot serve, with what its trial met, or when the model belongs to a fleet.
   */
  load(model: string, version: bigint | undefined, signal: AbortSignal): Promise<void>;
  /** The package of a version, the newest when none is named, without loading it; the same errors. */
  package(model: string, version: bigint | undefined): Promise<ModelPackage>;
  /** Takes a model out of service and drains it; nothing to do when it is not loaded. NOT_FOUND, FAILED_PRECONDITION as above. */
  unload(model: string): Promise<void>;
}

/** A repository that can be filled at the start of a node. */
export interface StartedRepository extends Repository {
  /** Loads the newest version of every model of the folder; one that cannot serve is logged and keeps its reason in the index. */
  loadAll(signal: AbortSignal): Promise<void>;
}

/** What a repository works with. */
export interface RepositoryOptions {
  /** Undefined for a node without a folder. */
  readonly folder: RepositoryFolder | undefined;
  readonly files: readonly ModelFile[];
  readonly swapper: Swapper & {
    owner(model: string): Owner | undefined;
    versions(): readonly { readonly served: Pick<ServedVersion, 'pkg' | 'state'>; readonly inService: boolean }[];
  };
  readonly log: Logger;
}

/** See StartedRepository. */
export function createRepository({ folder, files, swapper, log }: RepositoryOptions): StartedRepository {
  const underWay = new Map<string, ModelState>();
  const faults = new Map<string, string>();

  const refuseFleets = (verb: string, model: string): void => {
    const active = swapper.active(model);
    if (active !== undefined && swapper.owner(model) === 'fleet') {
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot ${verb} ${model}: its v${active.version} was put into service by a rollout, which alone may change it`,
      );
    }
  };

  /** The version and how to make its package. */
  const find = async (model: string, version: bigint | undefined): Promise<Found> => {
    const file = files.find(({ name }) => name === model);
    if (file !== undefined && (version === undefined || version === 1n)) {
      return { version: 1n, make: () => packageFromFile(file) };
    }
    const known = file === undefined ? (await folder?.models())?.find(({ name }) => name === model) : undefined;
    if (folder === undefined || known === undefined || known.fault !== undefined) {
      throw new AtollError(
        known === undefined ? 'NOT_FOUND' : 'FAILED_PRECONDITION',
        `cannot load ${nameOf(model, version)}: ${known?.fault ?? 'this node has no such model'}`,
      );
    }
    const wanted = version ?? known.versions.at(-1);
    if (wanted === undefined || !known.versions.includes(wanted)) {
      throw new AtollError('NOT_FOUND', `cannot load ${nameOf(model, version)}: there is no such version`);
    }
    return { version: wanted, make: () => folder.package(model, wanted) };
  };

  const load = async (model: string, version: bigint | undefined, signal: AbortSignal): Promise<void> => {
    refuseFleets('load', model);
    const found = await find(model, version);
    const key = keyOf(model, found.version);
    underWay.set(key, 'LOADING');
    faults.delete(key);
    try {
      const pkg = await found.make();
      const result = await swapper.activate(pkg, signal);
      if (result.outcome === 'failed') throw new AtollError('FAILED_PRECONDITION', result.message);
    } catch (error) {
      faults.set(key, toAtollError(error).message);
      throw error;
    } finally {
      underWay.delete(key);
    }
  };

  return {
    load,
    async package(model, version) {
      refuseFleets('load', model);
      return await (await find(model, version)).make();
    },
    async unload(model) {
      refuseFleets('unload', model);
      if (swapper.active(model) === undefined) {
        await find(model, undefined);
        return;
      }
      await swapper.retire(model);
    },
    async loadAll(signal) {
      for (const { name, fault } of (await folder?.models()) ?? []) {
        signal.throwIfAborted();
        try {
          if (fault !== undefined) throw new AtollError('FAILED_PRECONDITION', `cannot load ${name}: ${fault}`);
          await load(name, undefined, signal);
        } catch (error) {
          signal.throwIfAborted();
          log.warn('a model of the repository is not served', { model: name, reason: reasonOf(error) });
        }
      }
    },
    async index() {
      const entries = new Map<string, RepositoryEntry>();
      const add = (name: string, version: bigint | undefined, state: ModelState, reason: string): void => {
        const text = version === undefined ? '' : String(version);
        entries.set(keyOf(name, version), { name, version: text, state, reason });
      };
      const there: readonly FolderModel[] = [
        ...((await folder?.models()) ?? []),
        ...files.map(({ name }) => ({ name, versions: [1n], fault: undefined })),
      ];
      for (const { name, versions, fault } of there) {
        if (versions.length === 0) add(name, undefined, 'UNAVAILABLE', fault ?? 'it has no version');
        for (const version of versions) {
          const key = keyOf(name, version);
          add(name, version, underWay.get(key) ?? 'UNAVAILABLE', fault ?? faults.get(key) ?? 'it is not loaded');
        }
      }
      for (const name of new Set(there.map(({ name }) => name))) {
        const active = swapper.active(name);
        if (active !== undefined) add(name, active.version, 'READY', 'it rests: its next request loads it');
      }
      for (const { served } of swapper.versions()) add(served.pkg.model, served.pkg.version, ...stateOf(served.state));
      return [...entries.values()].toSorted(
        (a, b) => order(a.name, b.name) || Number(BigInt(a.version || 0) - BigInt(b.version || 0)),
      );
    },
  };
}

interface Found {
  readonly version: bigint;
  readonly make: () => Promise<ModelPackage>;
}

function stateOf(state: ServedVersion['state']): [ModelState, string] {
  switch (state) {
    case 'ready':
      return ['READY', ''];
    case 'draining':
      return ['UNLOADING', 'its last requests are being answered'];
    case 'wanted':
    case 'loading':
      return ['LOADING', 'it is being loaded'];
    case 'gone':
      return ['UNAVAILABLE', 'it is not loaded'];
  }
}

function keyOf(model: string, version: bigint | undefined): string {
  return `${model} ${version ?? ''}`;
}

function nameOf(model: string, version: bigint | undefined): string {
  return version === undefined ? `model ${model}` : `${model} v${version}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

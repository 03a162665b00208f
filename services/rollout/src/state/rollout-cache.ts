/**
 * Rollouts at work, kept in memory over their store: every write goes to the store, and what it touched is read back from there
 * when it is next wanted. So there is one account of what a write does, and none of it is O(members). What is loaded never
 * changes afterwards, and is the same object for as long as nothing was written.
 */
import { isFinal, type Member, type Rollout } from '../decide/rollout.js';
import type { RolloutStore } from './rollout-store.js';
import type { DurableStores } from './stores.js';

/** The store with its memory. */
interface RolloutCache extends RolloutStore {
  /** Everything is read again from the store: a transaction was undone, or somebody else wrote. */
  forget(): void;
}

interface Kept {
  rollout: Rollout;
  readonly positions: ReadonlyMap<string, number>;
  /** What was written since `rollout` was made. */
  readonly touched: Set<string>;
  outline: boolean;
}

/** Stores with a memory for their rollouts, which nobody else writes meanwhile. */
export function cachedStores(stores: DurableStores): DurableStores {
  const rollouts = rolloutCache(stores.rollouts);
  const transaction = <T>(work: () => T): T => {
    try {
      return stores.transaction(work);
    } catch (error) {
      // What was read within it may never have been.
      rollouts.forget();
      throw error;
    }
  };
  return { ...stores, rollouts, transaction };
}

function rolloutCache(store: RolloutStore): RolloutCache {
  const kept = new Map<string, Kept>();
  /** Those at work, and complete ones with stragglers; undefined = not known. */
  let working: Set<string> | undefined;
  let straggling: Set<string> | undefined;

  const keep = (rollout: Rollout): Rollout => {
    const positions = new Map(rollout.members.map(({ nodeId }, index) => [nodeId, index]));
    kept.set(rollout.spec.name, { rollout, positions, touched: new Set(), outline: false });
    return rollout;
  };
  const refreshed = (one: Kept): Rollout => {
    const { rollout, positions, touched } = one;
    if (!one.outline && touched.size === 0) return rollout;
    const { name } = rollout.spec;
    const outline = one.outline ? store.outline(name) : undefined;
    let { members } = rollout;
    if (touched.size > 0) {
      const next: Member[] = members.slice();
      for (const nodeId of touched) {
        const position = positions.get(nodeId);
        const member = position === undefined ? undefined : store.member(name, nodeId);
        if (position !== undefined && member !== undefined) next[position] = member;
      }
      members = next;
    }
    touched.clear();
    one.outline = false;
    one.rollout = { ...rollout, ...outline, members };
    return one.rollout;
  };
  const load = (name: string): Rollout | undefined => {
    const one = kept.get(name);
    if (one !== undefined) return refreshed(one);
    const rollout = store.load(name);
    if (rollout === undefined || !(names(false).has(name) || names(true).has(name))) return rollout;
    return keep(rollout);
  };
  const names = (complete: boolean): Set<string> => {
    if (complete) return (straggling ??= namesOf(store.withStragglers()));
    return (working ??= namesOf(store.atWork()));
  };
  const loadAll = (complete: boolean): Rollout[] => {
    const all = names(complete);
    const rollouts: Rollout[] = [];
    for (const name of all) {
      const rollout = load(name);
      if (rollout === undefined || isFinal(rollout.standing.phase) !== complete) all.delete(name);
      else rollouts.push(rollout);
    }
    return rollouts.toSorted((a, b) => a.createdMs - b.createdMs);
  };
  const touch = ({ spec }: Rollout, nodeId?: string): void => {
    const one = kept.get(spec.name);
    if (one === undefined) return;
    if (nodeId === undefined) one.outline = true;
    else one.touched.add(nodeId);
  };

  return {
    forget: () => {
      kept.clear();
      working = undefined;
      straggling = undefined;
    },
    add: (rollout) => {
      store.add(rollout);
      names(false).add(rollout.spec.name);
      // Its nodes are about to be moved on from where others left them.
      straggling = undefined;
    },
    has: (name) => store.has(name),
    phase: (name) => store.phase(name),
    load,
    outline: (name) => store.outline(name),
    member: (name, nodeId) => store.member(name, nodeId),
    atWork: () => loadAll(false),
    withStragglers: () => loadAll(true),
    page: (before, limit) => store.page(before, limit),
    write: (rollout, standing, nowMs) => {
      store.write(rollout, standing, nowMs);
      touch(rollout);
      const { name } = rollout.spec;
      if (!isFinal(standing.phase)) names(false).add(name);
      else if (standing.phase === 'Complete') straggling = undefined;
      else names(true).delete(name);
    },
    change: (rollout, change) => {
      store.change(rollout, change);
      touch(rollout, change.nodeId);
    },
    assign: (rollout, nodeId, part) => {
      store.assign(rollout, nodeId, part);
      touch(rollout, nodeId);
    },
    revert: (rollout, nodeId, part) => {
      store.revert(rollout, nodeId, part);
      touch(rollout, nodeId);
    },
    startWave: (rollout, wave, nowMs) => {
      store.startWave(rollout, wave, nowMs);
      touch(rollout);
    },
    passWave: (rollout, wave, nowMs) => {
      store.passWave(rollout, wave, nowMs);
      touch(rollout);
    },
    setMember: (rollout, nodeId, part) => {
      store.setMember(rollout, nodeId, part);
      touch(rollout, nodeId);
    },
    setWave: (rollout, wave, part) => {
      store.setWave(rollout, wave, part);
      touch(rollout);
    },
    addMembers: (rollout, wave, nodeIds) => {
      store.addMembers(rollout, wave, nodeIds);
      kept.delete(rollout.spec.name);
      if (rollout.standing.phase === 'Complete') straggling = undefined;
    },
    attempts: (manifestSha256) => store.attempts(manifestSha256),
    renumber: (name, nodeId, before, generation) => {
      store.renumber(name, nodeId, before, generation);
      kept.get(name)?.touched.add(nodeId);
    },
  };
}

function namesOf(rollouts: readonly Rollout[]): Set<string> {
  return new Set(rollouts.map(({ spec }) => spec.name));
}

import { AtollError } from '@atoll/base/error';
import { isFinal, type Member, type Rollout, untold, type Wave } from '../../decide/rollout.js';
import type { DesiredRecord } from '../desired-store.js';
import type { NewRollout, RolloutOutline, RolloutStore } from '../rollout-store.js';
import { type UndoLog, UndoMap } from './undo.js';

/** A rollout with its members in a list that is written in place. */
interface Kept {
  readonly number: bigint;
  readonly rollout: RolloutOutline;
  readonly members: Member[];
  readonly positions: Map<string, number>;
}

/** Rollouts in memory; `desired` gives the newest desired state of a node. */
export function memoryRollouts(log: UndoLog, desired: (nodeId: string) => DesiredRecord | undefined): RolloutStore {
  const byName = new UndoMap<string, Kept>(log);

  const snapshot = ({ rollout, members }: Kept): Rollout => ({ ...rollout, members: [...members] });
  const kept = ({ spec }: Pick<Rollout, 'spec'>): Kept => {
    const found = byName.get(spec.name);
    if (found !== undefined) return found;
    throw new AtollError('INTERNAL', `cannot write rollout ${spec.name}: there is none`);
  };
  const setMember = (rollout: Pick<Rollout, 'spec'>, nodeId: string, part: Partial<Member>): void => {
    const { members, positions } = kept(rollout);
    const position = positions.get(nodeId);
    const member = position === undefined ? undefined : members[position];
    if (position === undefined || member === undefined) return;
    log.wrote(() => {
      members[position] = member;
    });
    members[position] = { ...member, ...part };
  };
  const setWave = (rollout: Rollout, wave: number, part: Partial<Wave>): void => {
    const found = kept(rollout);
    const waves = found.rollout.waves.map((one, index) => (index === wave - 1 ? { ...one, ...part } : one));
    byName.set(rollout.spec.name, { ...found, rollout: { ...found.rollout, waves } });
  };
  const setTime = (rollout: Rollout, wave: number, which: 'startedMs' | 'passedMs', nowMs: number): void => {
    if (kept(rollout).rollout.waves[wave - 1]?.[which] === 0) setWave(rollout, wave, { [which]: nowMs });
  };
  const addMember = (rollout: Rollout, wave: number, nodeId: string): void => {
    const { members, positions } = kept(rollout);
    log.wrote(() => {
      members.pop();
      positions.delete(nodeId);
    });
    positions.set(nodeId, members.push(newMember(nodeId, wave, highestAttempt(members))) - 1);
  };
  const isStraggler = ({ nodeId, outcome, generation }: Member): boolean =>
    (outcome === undefined || outcome === 'TIMED_OUT') &&
    (generation === 0n || desired(nodeId)?.generation === generation);

  return {
    add: (rollout) => {
      if (byName.get(rollout.spec.name) !== undefined) {
        throw new AtollError('INTERNAL', `cannot add rollout ${rollout.spec.name}: there is one of this name`);
      }
      byName.set(rollout.spec.name, newlyKept(rollout, BigInt(byName.values().length + 1)));
    },
    has: (name) => byName.get(name) !== undefined,
    phase: (name) => byName.get(name)?.rollout.standing.phase,
    load: (name) => {
      const found = byName.get(name);
      return found === undefined ? undefined : snapshot(found);
    },
    outline: (name) => byName.get(name)?.rollout,
    member: (name, nodeId) => {
      const { members, positions } = byName.get(name) ?? {};
      return members?.[positions?.get(nodeId) ?? -1];
    },
    atWork: () =>
      byName
        .values()
        .filter(({ rollout }) => !isFinal(rollout.standing.phase))
        .map(snapshot),
    withStragglers: () =>
      byName
        .values()
        .filter(({ rollout, members }) => rollout.standing.phase === 'Complete' && members.some(isStraggler))
        .map(snapshot),
    page: (before, limit) =>
      byName
        .values()
        .toReversed()
        .filter(({ number }) => before === undefined || number < before)
        .slice(0, limit)
        .map((one) => ({ rollout: snapshot(one), number: one.number })),
    write: (rollout, standing, nowMs) => {
      const found = kept(rollout);
      const { revision } = found.rollout;
      if (revision !== rollout.revision) {
        const { name } = rollout.spec;
        throw new AtollError('INTERNAL', `cannot write rollout ${name}: its revision is no longer ${rollout.revision}`);
      }
      const written = { ...found.rollout, standing, updatedMs: nowMs, revision: revision + 1 };
      byName.set(rollout.spec.name, { ...found, rollout: written });
    },
    change: (rollout, { nodeId, heardMs, ended, back }) =>
      setMember(rollout, nodeId, {
        ...(heardMs === undefined ? {} : { heardMs }),
        ...(back === true ? { back } : {}),
        ...ended,
      }),
    assign: setMember,
    revert: setMember,
    startWave: (rollout, wave, nowMs) => setTime(rollout, wave, 'startedMs', nowMs),
    passWave: (rollout, wave, nowMs) => setTime(rollout, wave, 'passedMs', nowMs),
    setMember,
    setWave,
    addMembers: (rollout, wave, nodeIds) => {
      for (const nodeId of nodeIds) addMember(rollout, wave, nodeId);
    },
    attempts: (manifestSha256) =>
      byName
        .values()
        .filter(({ rollout }) => rollout.spec.target.manifestSha256 === manifestSha256)
        .reduce((highest, { members }) => Math.max(highest, highestAttempt(members)), 0),
    renumber: (name, nodeId, before, generation) => {
      const found = byName.get(name);
      const member = found?.members[found.positions.get(nodeId) ?? -1];
      if (found === undefined || member === undefined) return;
      if (member.generation === before) setMember(found.rollout, nodeId, { generation });
      if (member.revertGeneration === before) setMember(found.rollout, nodeId, { revertGeneration: generation });
    },
  };
}

function newlyKept({ uid, spec, plan, standing, attempt, createdMs }: NewRollout, number: bigint): Kept {
  const members = plan.flatMap((nodeIds, index) => nodeIds.map((nodeId) => newMember(nodeId, index + 1, attempt)));
  const waves = plan.map(() => ({ startedMs: 0, settledMs: 0, passedMs: 0, evidence: '', control: {} }));
  const rollout = { uid, spec, standing, waves, createdMs, updatedMs: createdMs, revision: 1 };
  return { number, rollout, members, positions: new Map(members.map(({ nodeId }, index) => [nodeId, index])) };
}

function highestAttempt(members: readonly Member[]): number {
  return members.reduce((highest, { attempt }) => Math.max(highest, attempt), 1);
}

/** A node that is part of a plan and has been told nothing. */
function newMember(nodeId: string, wave: number, attempt: number): Member {
  return { ...untold, nodeId, wave, previous: undefined, assignedMs: 0, attempt };
}

import { AtollError } from '@atoll/base/error';
import { isFinal, type Member, type Rollout, type WaveTimes } from '../../decide/rollout.js';
import type { DesiredRecord } from '../desired-store.js';
import type { NewRollout, RolloutOutline, RolloutStore } from '../rollout-store.js';
import { type UndoLog, UndoMap } from './undo.js';

/** A rollout with its members in a list that is written in place. */
interface Kept {
  readonly number: bigint;
  readonly rollout: RolloutOutline;
  readonly members: Member[];
  readonly positions: ReadonlyMap<string, number>;
}

/** Rollouts in memory; `desired` gives the newest desired state of a node. */
export function memoryRollouts(log: UndoLog, desired: (nodeId: string) => DesiredRecord | undefined): RolloutStore {
  const byName = new UndoMap<string, Kept>(log);

  const snapshot = ({ rollout, members }: Kept): Rollout => ({ ...rollout, members: [...members] });
  const kept = ({ spec }: Rollout): Kept => {
    const found = byName.get(spec.name);
    if (found !== undefined) return found;
    throw new AtollError('INTERNAL', `cannot write rollout ${spec.name}: there is none`);
  };
  const setMember = (rollout: Rollout, nodeId: string, part: Partial<Member>): void => {
    const { members, positions } = kept(rollout);
    const position = positions.get(nodeId);
    const member = position === undefined ? undefined : members[position];
    if (position === undefined || member === undefined) return;
    log.wrote(() => {
      members[position] = member;
    });
    members[position] = { ...member, ...part };
  };
  const setWave = (rollout: Rollout, wave: number, which: keyof WaveTimes, nowMs: number): void => {
    const found = kept(rollout);
    const waves = found.rollout.waves.map((times, index) =>
      index === wave - 1 && times[which] === 0 ? { ...times, [which]: nowMs } : times,
    );
    byName.set(rollout.spec.name, { ...found, rollout: { ...found.rollout, waves } });
  };
  const isStraggler = ({ nodeId, outcome, generation }: Member): boolean =>
    (outcome === undefined || outcome === 'TIMED_OUT') && generation > 0n && desired(nodeId)?.generation === generation;

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
    startWave: (rollout, wave, nowMs) => setWave(rollout, wave, 'startedMs', nowMs),
    passWave: (rollout, wave, nowMs) => setWave(rollout, wave, 'passedMs', nowMs),
  };
}

function newlyKept({ uid, spec, plan, standing, createdMs }: NewRollout, number: bigint): Kept {
  const members = plan.flatMap((nodeIds, index) => nodeIds.map((nodeId) => newMember(nodeId, index + 1)));
  const waves = plan.map(() => ({ startedMs: 0, passedMs: 0 }));
  const rollout = { uid, spec, standing, waves, createdMs, updatedMs: createdMs, revision: 1 };
  return { number, rollout, members, positions: new Map(members.map(({ nodeId }, index) => [nodeId, index])) };
}

/** A node that is part of a plan and has been told nothing. */
function newMember(nodeId: string, wave: number): Member {
  return {
    nodeId,
    wave,
    previous: undefined,
    generation: 0n,
    assignedMs: 0,
    heardMs: 0,
    outcome: undefined,
    reasonCode: '',
    message: '',
    revertGeneration: 0n,
    back: false,
  };
}

/** Members, waves and desired states in both stores. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member } from '../decide/rollout.js';
import { newVersion, oldVersion } from '../rollout-for-tests.js';
import { add, named } from './new-rollout-for-tests.js';
import { storeKinds } from './stores-for-tests.js';

for (const [kind, open] of storeKinds) {
  test(`${kind}: setMember and setWave write what is named, and nothing else`, (t) => {
    const { stores, reopen } = open(t);
    const one = add(stores, 'one');
    const part: Member = {
      nodeId: 'a',
      wave: 2,
      previous: oldVersion,
      generation: 5n,
      assignedMs: 6,
      heardMs: 7,
      outcome: 'TIMED_OUT',
      reasonCode: 'R',
      message: 'm',
      revertGeneration: 8n,
      back: true,
      attempt: 2,
      acknowledged: true,
    };
    const wave = { startedMs: 1, settledMs: 2, passedMs: 3, evidence: 'e', control: { x: [1, 2, 3] } } as const;
    stores.transaction(() => {
      const { nodeId: _id, wave: _wave, ...written } = part;
      stores.rollouts.setMember(one, 'a', written);
      stores.rollouts.setWave(one, 2, wave);
      stores.rollouts.setWave(one, 2, { settledMs: 0 });
    });
    const { rollouts, transaction } = reopen();
    const { members = [], waves = [] } = rollouts.load('one') ?? {};
    assert.deepEqual(members, [one.members[0], part, one.members[2]]);
    assert.deepEqual(waves, [one.waves[0], { ...wave, settledMs: 0 }]);
    transaction(() => rollouts.setMember(one, 'a', { outcome: undefined, previous: undefined }));
    const [, cleared] = rollouts.load('one')?.members ?? [];
    assert.deepEqual(cleared, { ...part, outcome: undefined, previous: undefined });
  });

  test(`${kind}: addMembers: behind all others, told nothing; undone with its transaction`, (t) => {
    const { stores } = open(t);
    const one = add(stores, 'one');
    const { rollouts, transaction } = stores;
    const failing = (): void =>
      transaction(() => {
        rollouts.addMembers(one, 2, ['x']);
        throw new Error('undo');
      });
    assert.throws(failing, /undo/);
    assert.deepEqual(rollouts.load('one')?.members, one.members);
    transaction(() => rollouts.addMembers(one, 2, ['x', 'y']));
    assert.deepEqual(
      rollouts.load('one')?.members.map(({ nodeId, wave, generation }) => `${nodeId}/${wave}/${generation}`),
      ['c/1/0', 'a/2/0', 'b/2/0', 'x/2/0', 'y/2/0'],
    );
  });

  test(`${kind}: attempts: the highest of any rollout of a release; newcomers are at that of theirs`, (t) => {
    const { stores } = open(t);
    const one = add(stores, 'one');
    const { rollouts, transaction } = stores;
    const { manifestSha256 } = newVersion;
    assert.deepEqual([rollouts.attempts('0'.repeat(64)), rollouts.attempts(manifestSha256)], [0, 1]);
    transaction(() => {
      rollouts.add({ ...named('two'), attempt: 4 });
      rollouts.setMember(one, 'a', { attempt: 3 });
      rollouts.addMembers(one, 2, ['x']);
    });
    assert.equal(rollouts.attempts(manifestSha256), 4);
    assert.deepEqual(
      rollouts.load('one')?.members.map(({ attempt }) => attempt),
      [1, 3, 1, 3],
    );
    assert.ok(rollouts.load('two')?.members.every(({ attempt }) => attempt === 4));
  });

  test(`${kind}: renumber: another generation where the old one was, and nowhere else`, (t) => {
    const { stores } = open(t);
    const one = add(stores, 'one');
    const { rollouts, transaction } = stores;
    transaction(() => {
      rollouts.setMember(one, 'a', { generation: 3n, revertGeneration: 4n });
      rollouts.setMember(one, 'b', { generation: 4n });
      rollouts.renumber('one', 'a', 4n, 9n);
      rollouts.renumber('one', 'b', 3n, 9n);
      rollouts.renumber('none', 'b', 4n, 9n);
    });
    assert.deepEqual(
      rollouts.load('one')?.members.map(({ generation, revertGeneration }) => [generation, revertGeneration]),
      [
        [0n, 0n],
        [3n, 9n],
        [4n, 0n],
      ],
    );
  });

  test(`${kind}: expiring: the states that end before a time, soonest first, no more than asked`, (t) => {
    const { desired, transaction } = open(t).stores;
    const record = { generation: 1n, rollout: 'one', target: newVersion, envelope: Buffer.from('e') };
    transaction(() => {
      for (const [nodeId, expiresMs] of [
        ['a', 30],
        ['b', 10],
        ['c', 20],
      ] as const)
        desired.put({ ...record, nodeId, expiresMs });
    });
    const ids = (beforeMs: number, limit: number): string[] =>
      desired.expiring(beforeMs, limit).map(({ nodeId }) => nodeId);
    assert.deepEqual([ids(10, 9), ids(30, 9), ids(31, 2)], [[], ['b', 'c'], ['b', 'c']]);
  });
}

/** One contract, two stores. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport } from '@atoll/proto/atoll/v1/release';
import { newVersion, oldVersion } from '../rollout-for-tests.js';
import { memoryStores } from './memory/stores.js';
import { add, named, standing } from './new-rollout-for-tests.js';
import { storeKinds } from './stores-for-tests.js';

for (const [kind, open] of storeKinds) {
  test(`${kind}: add and load: spec, plan in its order and standing, also after the process ended`, (t) => {
    const { stores, reopen } = open(t);
    add(stores, 'one');
    const { rollouts } = reopen();
    const rollout = rollouts.load('one');
    assert.deepEqual(rollout?.spec, named('one').spec);
    assert.deepEqual(rollout.standing, standing);
    assert.deepEqual(
      rollout.members.map(({ nodeId, wave, generation }) => [nodeId, wave, generation]),
      [
        ['c', 1, 0n],
        ['a', 2, 0n],
        ['b', 2, 0n],
      ],
    );
    assert.deepEqual(
      rollout.waves.map(({ startedMs, passedMs }) => [startedMs, passedMs]),
      [
        [0, 0],
        [0, 0],
      ],
    );
    assert.equal(rollouts.load('two'), undefined);
    assert.deepEqual([rollouts.has('one'), rollouts.has('two'), rollouts.phase('one')], [true, false, 'Pending']);
  });

  test(`${kind}: what is loaded stays as it is while the store goes on`, (t) => {
    const { stores } = open(t);
    const before = add(stores, 'one');
    const copy = structuredClone(before);
    stores.transaction(() => {
      const part = { previous: oldVersion, generation: 4n, assignedMs: 1, heardMs: 0 };
      stores.rollouts.assign(before, 'a', part);
      stores.rollouts.write(before, { ...standing, phase: 'Progressing', wave: 1 }, 8);
    });
    assert.deepEqual(before, copy);
  });

  test(`${kind}: write refuses a standing over a revision that is no longer the newest`, (t) => {
    const { stores } = open(t);
    const stale = add(stores, 'one');
    const { rollouts, transaction } = stores;
    transaction(() => rollouts.write(stale, { ...standing, phase: 'Progressing', wave: 1 }, 8));
    assert.throws(() => transaction(() => rollouts.write(stale, standing, 9)), {
      code: 'INTERNAL',
      message: /revision/,
    });
    const { standing: kept, updatedMs, revision } = rollouts.load('one') ?? {};
    assert.deepEqual([kept?.phase, updatedMs, revision], ['Progressing', 8, 2]);
  });

  test(`${kind}: assign, change and revert write one member each`, (t) => {
    const { stores } = open(t);
    const rollout = add(stores, 'one');
    const { rollouts } = stores;
    stores.transaction(() => {
      rollouts.assign(rollout, 'a', { previous: oldVersion, generation: 1n << 40n, assignedMs: 1, heardMs: 0 });
      rollouts.change(rollout, {
        nodeId: 'a',
        heardMs: 2,
        ended: { outcome: 'FAILED', reasonCode: 'R', message: 'm' },
      });
      rollouts.revert(rollout, 'a', { revertGeneration: 9n, assignedMs: 3, heardMs: 3 });
      rollouts.change(rollout, { nodeId: 'a', back: true });
    });
    const members = rollouts.load('one')?.members ?? [];
    const unassigned = members.find(({ nodeId }) => nodeId === 'b');
    assert.deepEqual(
      members.find(({ nodeId }) => nodeId === 'a'),
      {
        ...unassigned,
        nodeId: 'a',
        previous: oldVersion,
        generation: 1n << 40n,
        assignedMs: 3,
        heardMs: 3,
        outcome: 'FAILED',
        reasonCode: 'R',
        message: 'm',
        revertGeneration: 9n,
        back: true,
      },
    );
    assert.ok(members.filter(({ nodeId }) => nodeId !== 'a').every(({ generation }) => generation === 0n));
  });

  test(`${kind}: startWave and passWave keep the first time`, (t) => {
    const { stores } = open(t);
    const rollout = add(stores, 'one');
    const { rollouts } = stores;
    stores.transaction(() => {
      for (const time of [5, 6]) rollouts.startWave(rollout, 1, time);
      for (const time of [7, 8]) rollouts.passWave(rollout, 1, time);
    });
    const [first] = rollouts.load('one')?.waves ?? [];
    assert.deepEqual([first?.startedMs, first?.passedMs], [5, 7]);
  });

  test(`${kind}: atWork and page: what is not final, oldest first; everything, newest first`, (t) => {
    const { stores } = open(t);
    const { rollouts } = stores;
    for (const name of ['one', 'two', 'three']) add(stores, name);
    const two = rollouts.load('two');
    assert.ok(two);
    stores.transaction(() => rollouts.write(two, { ...standing, phase: 'Complete' }, 8));
    assert.deepEqual(
      rollouts.atWork().map(({ spec }) => spec.name),
      ['one', 'three'],
    );
    const first = rollouts.page(undefined, 2);
    assert.deepEqual(
      [...first, ...rollouts.page(first.at(-1)?.number, 2)].map(({ rollout }) => rollout.spec.name),
      ['three', 'two', 'one'],
    );
  });

  test(`${kind}: withStragglers: complete rollouts of which a node has still to answer its newest state`, (t) => {
    const { stores, reopen } = open(t);
    const { rollouts, desired, transaction } = stores;
    const one = add(stores, 'one');
    const tell = (generation: bigint): void =>
      desired.put({
        nodeId: 'a',
        generation,
        rollout: 'one',
        target: newVersion,
        envelope: Buffer.from('e'),
        expiresMs: 9,
      });
    transaction(() => {
      rollouts.assign(one, 'a', { previous: undefined, generation: 3n, assignedMs: 1, heardMs: 0 });
      for (const nodeId of ['b', 'c']) rollouts.setMember(one, nodeId, { generation: 1n, outcome: 'COMMITTED' });
      rollouts.write(one, { ...standing, phase: 'Complete' }, 8);
      tell(3n);
    });
    assert.equal(rollouts.withStragglers().length, 1);
    transaction(() => tell(4n));
    const again = reopen();
    assert.equal(again.rollouts.withStragglers().length, 0);
    const complete = again.rollouts.load('one');
    assert.ok(complete);
    again.transaction(() => again.rollouts.addMembers(complete, 2, ['d']));
    assert.deepEqual(
      again.rollouts.withStragglers().map(({ members }) => members.length),
      [4],
    );
  });

  test(`${kind}: outline and member are parts of what load gives`, (t) => {
    const { stores } = open(t);
    const { members, ...outline } = add(stores, 'one');
    assert.deepEqual(stores.rollouts.outline('one'), outline);
    assert.deepEqual(
      members.map(({ nodeId }) => stores.rollouts.member('one', nodeId)),
      members,
    );
    assert.deepEqual([stores.rollouts.outline('two'), stores.rollouts.member('one', 'z')], [undefined, undefined]);
  });

  test(`${kind}: a rollout that was final and is at work again is among those at work`, (t) => {
    const { stores } = open(t);
    const { rollouts } = stores;
    const names = (): string[] => rollouts.atWork().map(({ spec }) => spec.name);
    add(stores, 'one');
    for (const [phase, expected] of [
      ['Aborted', []],
      ['Reverting', ['one']],
      ['Complete', []],
    ] as const) {
      const rollout = rollouts.load('one');
      assert.ok(rollout);
      stores.transaction(() => rollouts.write(rollout, { ...standing, phase }, 8));
      assert.deepEqual([names(), rollouts.load('one')?.standing.phase], [expected, phase]);
    }
  });

  test(`${kind}: desired states and nodes: the newest of each, also after the process ended`, (t) => {
    const { stores, reopen } = open(t);
    const record = { nodeId: 'a', rollout: 'one', target: newVersion, envelope: Buffer.from('e'), expiresMs: 9 };
    const report: StatusReport = { ...emptyReport, nodeId: 'a', observedGeneration: 1n << 60n };
    stores.transaction(() => {
      for (const generation of [1n, 1n << 60n]) stores.desired.put({ ...record, generation });
      for (const lastSeenMs of [1, 2]) stores.nodes.put({ nodeId: 'a', lastSeenMs, report, committed: oldVersion });
    });
    const { desired, nodes } = reopen();
    assert.deepEqual(desired.get('a'), { ...record, generation: 1n << 60n });
    assert.equal(desired.get('b'), undefined);
    assert.deepEqual(nodes.all(), [{ nodeId: 'a', lastSeenMs: 2, report, committed: oldVersion }]);
  });

  test(`${kind}: a transaction that fails leaves everything as it was, and the next one works`, (t) => {
    const { stores } = open(t);
    const rollout = add(stores, 'one');
    const { rollouts, desired, nodes, events } = stores;
    const before = structuredClone(rollout);
    const writeAll = (): void => {
      rollouts.add(named('two'));
      rollouts.assign(rollout, 'a', { previous: undefined, generation: 3n, assignedMs: 1, heardMs: 0 });
      rollouts.startWave(rollout, 1, 5);
      rollouts.write(rollout, { ...standing, phase: 'Progressing' }, 8);
      const record = {
        nodeId: 'a',
        generation: 3n,
        rollout: 'one',
        target: newVersion,
        envelope: Buffer.from('e'),
        expiresMs: 9,
      };
      desired.put(record);
      nodes.put({ nodeId: 'a', lastSeenMs: 1, report: emptyReport, committed: undefined });
      events.append({ timeMs: 1, actor: 'x', kind: 'k', rollout: '', nodeId: '', message: '' });
    };
    const failing = (): void =>
      stores.transaction(() => {
        writeAll();
        assert.equal(rollouts.load('one')?.standing.phase, 'Progressing');
        throw new Error('undo');
      });
    assert.throws(failing, /undo/);
    assert.deepEqual(rollouts.load('one'), before);
    assert.deepEqual(
      rollouts.atWork().map(({ spec }) => spec.name),
      ['one'],
    );
    assert.deepEqual([rollouts.has('two'), desired.get('a'), nodes.all()], [false, undefined, []]);
    assert.deepEqual(events.list(0n, 10), []);
    stores.transaction(writeAll);
    assert.equal(rollouts.load('one')?.standing.phase, 'Progressing');
  });
}

for (const fate of ['kept', 'lost'] as const) {
  test(`memory: power taken at a commit: the transaction is ${fate} whole, and all is refused until the power is back`, () => {
    const { power, ...stores } = memoryStores();
    add(stores, 'one');
    power.cutAtCommit(fate);
    const both = (): void => {
      stores.transaction(() => {
        stores.rollouts.add(named('two'));
        stores.events.append({ timeMs: 1, actor: 'x', kind: 'k', rollout: '', nodeId: '', message: '' });
      });
    };
    assert.throws(both, { code: 'UNAVAILABLE' });
    assert.throws(() => stores.events.list(0n, 1), { code: 'UNAVAILABLE' });
    power.restore();
    const there = fate === 'kept';
    assert.deepEqual(
      [stores.rollouts.has('one'), stores.rollouts.has('two'), stores.events.list(0n, 9).length],
      [true, there, there ? 1 : 0],
    );
  });
}

const emptyReport: StatusReport = {
  nodeId: 'a',
  bootId: 'boot',
  sequence: 1n,
  observedGeneration: 0n,
  phase: 1,
  reasonCode: '',
  message: '',
  model: '',
  version: 0n,
  manifestSha256: '',
  backend: '',
  address: '',
  labels: {},
  health: undefined,
  createdUnixMs: 1n,
  attempt: 0,
  previousVersion: 0n,
  floor: 0n,
  alarms: [],
  clockOffsetMs: 0n,
  baseline: undefined,
  denied: 0,
};

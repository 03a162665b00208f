import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { progressing, sampleSpec } from './rollout-for-tests.js';
import { newWorld, wavesOf } from './world-for-tests.js';

const limits = { timeout: 20_000 };

test(
  'a first rollout, then a second: every node takes each version once, with rising generations',
  limits,
  async (t) => {
    const world = await newWorld(t);
    await world.start(1n);
    await world.reaches('birds-v1', 'Complete');
    const second = await world.start(2n);
    const { first, rest } = wavesOf(second);
    const complete = await world.reaches('birds-v2', 'Complete');
    assert.equal(complete.standing.message, '3 nodes on the version');
    assert.equal(world.versions(), 'n1:v2 n2:v2 n3:v2');
    for (const node of world.nodes) assert.deepEqual(node.taken, ['1:v1', '2:v2']);
    const kinds = world.kinds('birds-v2');
    assert.deepEqual(kinds.slice(0, 6), [
      'RolloutStarted',
      'WaveStarted',
      `NodeAssigned ${first}`,
      'RolloutProgressing',
      `NodeCommitted ${first}`,
      'WavePassed',
    ]);
    assert.deepEqual(kinds.slice(-4).toSorted(), [
      ...rest.map((id) => `NodeCommitted ${id}`).toSorted(),
      'RolloutComplete',
      'WavePassed',
    ]);
    assert.ok(complete.waves.every(({ startedMs, passedMs }) => startedMs > 0 && passedMs >= startedMs));
  },
);

for (const phase of ['FAILED', 'ROLLED_BACK'] as const) {
  test(
    `a first wave that is ${phase}: no other node hears of the version, and desired becomes actual`,
    limits,
    async (t) => {
      const world = await newWorld(t);
      await world.start(1n);
      await world.reaches('birds-v1', 'Complete');
      for (const node of world.nodes)
        node.behaviour = (version) => (version === 2n ? { phase, code: 'TOO_SLOW' } : 'commit');
      const { first, rest } = wavesOf(await world.start(2n));
      const { standing } = await world.reaches('birds-v2', 'Reverted');
      assert.equal(standing.reason, 'TooManyFailures');
      assert.match(
        standing.message,
        new RegExp(`1 of 1 judged node failed.*${first} TOO_SLOW .said by ${first}.; 1 node back`),
      );
      assert.equal(world.versions(), 'n1:v1 n2:v1 n3:v1');
      assert.deepEqual(world.node(first).taken, ['1:v1', '2:v2', '3:v1']);
      for (const id of rest) assert.deepEqual(world.node(id).taken, ['1:v1']);
      assert.equal(world.controller.stores.desired.get(first)?.target.version, 1n);
    },
  );
}

test('a failure in the second wave: the first wave goes back as well', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  let canary: string | undefined;
  for (const node of world.nodes) {
    node.behaviour = (version) => {
      if (version !== 2n) return 'commit';
      canary ??= node.id;
      return canary === node.id ? 'commit' : { phase: 'FAILED', code: 'GOLDEN_MISMATCH' };
    };
  }
  const { first } = wavesOf(await world.start(2n));
  await world.reaches('birds-v2', 'Reverted');
  assert.equal(canary, first);
  assert.equal(world.versions(), 'n1:v1 n2:v1 n3:v1');
  assert.deepEqual(world.node(first).taken, ['1:v1', '2:v2', '3:v1']);
});

test('the first rollout ever fails: it is aborted, for there is nothing to go back to', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => ({ phase: 'FAILED', code: 'LOAD_FAILED' });
  await world.start(1n);
  const { standing } = await world.reaches('birds-v1', 'Aborted');
  assert.match(standing.message, /LOAD_FAILED.*no node has a version to go back to/);
  assert.equal(world.versions(), 'n1:v0 n2:v0 n3:v0');
});

test('a controller that is restarted in the middle of a wave goes on with the same plan', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first, rest } = wavesOf(await world.start(1n));
  await eventually(() => assert.deepEqual(world.node(first).taken, ['1:v1']));
  const plan = (): string[] => world.rollout('birds-v1').members.map(({ nodeId, wave }) => `${nodeId}/${wave}`);
  const before = plan();
  await world.restart();
  assert.deepEqual(plan(), before);
  assert.equal(world.rollout('birds-v1').standing.phase, 'Progressing');
  world.node(first).finish();
  await eventually(() => assert.ok(rest.every((id) => world.node(id).generation === 1n)));
  for (const id of rest) world.node(id).finish();
  await world.reaches('birds-v1', 'Complete');
  for (const node of world.nodes) assert.deepEqual(node.taken, ['1:v1']);
});

test('undo brings every node back; a controller restarted meanwhile goes on with it', limits, async (t) => {
  const world = await newWorld(t);
  for (const version of [1n, 2n]) await world.reaches((await world.start(version)).spec.name, 'Complete');
  for (const node of world.nodes) node.behaviour = () => 'soak';
  world.controller.commands.undo('birds-v2');
  await eventually(() => assert.ok(world.nodes.every((node) => node.taken.at(-1) === '3:v1')));
  await world.restart();
  assert.equal(world.rollout('birds-v2').standing.phase, 'Reverting');
  for (const node of world.nodes) node.finish();
  const { standing, members } = await world.reaches('birds-v2', 'Reverted');
  assert.equal(standing.reason, 'Undone');
  assert.ok(members.every(({ back }) => back));
  assert.equal(world.versions(), 'n1:v1 n2:v1 n3:v1');
  assert.throws(() => world.controller.commands.undo('birds-v2'), { code: 'FAILED_PRECONDITION' });
});

test('abort: keep leaves what is, revert sends back, and a rollout that is over is not aborted', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  const stop = async (version: bigint, policy: 'keep' | 'revert'): Promise<string> => {
    for (const node of world.nodes) node.behaviour = (told) => (told === 1n ? 'commit' : 'soak');
    const { spec, members } = await world.start(version);
    const { first } = wavesOf(world.rollout(spec.name));
    await eventually(() => assert.match(world.node(first).taken.at(-1) ?? '', new RegExp(`:v${version}$`)));
    world.controller.commands.abort(spec.name, policy);
    assert.equal(members.length, 3);
    return first;
  };
  const kept = await stop(2n, 'keep');
  assert.equal(world.rollout('birds-v2').standing.phase, 'Aborted');
  world.node(kept).finish();
  assert.equal(world.node(kept).version, 2n);
  const back = await stop(3n, 'revert');
  await world.reaches('birds-v3', 'Reverted');
  assert.equal(world.node(back).version, 1n);
  assert.throws(() => world.controller.commands.abort('birds-v3', 'keep'), { code: 'FAILED_PRECONDITION' });
  assert.throws(() => world.controller.commands.abort('none', 'keep'), { code: 'NOT_FOUND' });
});

test('an order is news for those who watch, though nothing follows from it', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'ignore';
  await world.start(1n);
  await world.reaches('birds-v1', 'Progressing');
  const { notifier, commands } = world.controller;
  const seen = notifier.current();
  const told = notifier.after(seen, AbortSignal.timeout(5_000));
  commands.abort('birds-v1', 'keep');
  await told;
  assert.ok(notifier.current() > seen);
});

test('a rollout that cannot be brought forward holds up no other', limits, async (t) => {
  const world = await newWorld(t);
  const target = { model: 'fish', version: 1n, manifestSha256: 'no digest' };
  const spec = { ...sampleSpec, name: 'stuck', target };
  const standing = { ...progressing, phase: 'Pending', wave: 0 } as const;
  world.controller.stores.rollouts.add({ uid: 'stuck', spec, plan: [['n1']], standing, attempt: 1, createdMs: 1 });
  await world.start(1n, { selector: { name: 'n2' } });
  await world.reaches('birds-v1', 'Complete');
  assert.equal(world.rollout('stuck').standing.phase, 'Pending');
});

test('a newer rollout takes the place of the one at work; nodes jump to it', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = (version) => (version === 1n ? 'soak' : 'commit');
  await world.start(1n);
  await world.reaches('birds-v1', 'Progressing');
  await world.start(2n);
  await world.reaches('birds-v2', 'Complete');
  assert.deepEqual(
    [world.rollout('birds-v1').standing.phase, world.rollout('birds-v1').standing.reason],
    ['Aborted', 'Superseded'],
  );
  assert.equal(world.versions(), 'n1:v2 n2:v2 n3:v2');
  assert.throws(() => world.controller.commands.undo('birds-v1'), {
    code: 'FAILED_PRECONDITION',
    message: /birds-v2 has moved/,
  });
});

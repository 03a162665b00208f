import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { newWorld, offlineAfterMs, wavesOf } from './world-for-tests.js';

const limits = { timeout: 20_000 };

test('a broker that lost everything is filled again; no node changes its model', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  world.broker.held.clear();
  world.broker.return();
  await eventually(() => assert.equal(world.broker.held.size, 3));
  for (const node of world.nodes) assert.deepEqual(node.taken, ['1:v1']);
});

test('without a call for help the comparison finds what the broker lost or rolled back', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  const old = world.broker.held.get('n1');
  await world.start(2n);
  await world.reaches('birds-v2', 'Complete');
  assert.ok(old);
  world.broker.held.set('n1', old);
  const truth = world.controller.stores.desired.get('n1')?.envelope;
  await eventually(() => assert.ok(truth?.equals(world.broker.held.get('n1') ?? Buffer.of())));
  assert.deepEqual(world.node('n1').taken, ['1:v1', '2:v2']);
});

test('while the broker is away nothing is assigned and nobody times out', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first, rest } = wavesOf(await world.start(1n));
  await eventually(() => assert.equal(world.node(first).generation, 1n));
  world.broker.away = true;
  await eventually(() => assert.equal(world.rollout('birds-v1').standing.reason, 'BrokerAway'));
  world.clock.advance(3_600_000);
  world.node(first).finish();
  await eventually(() => assert.equal(world.rollout('birds-v1').members[0]?.outcome, 'COMMITTED'));
  assert.equal(world.rollout('birds-v1').standing.phase, 'Progressing');
  assert.deepEqual(
    rest.map((id) => world.node(id).generation),
    [0n, 0n],
  );
  for (const node of world.nodes) node.behaviour = () => 'commit';
  world.broker.return();
  await world.reaches('birds-v1', 'Complete');
});

test(
  'a node that is away does not hold up its wave, and jumps to the newest version on its return',
  limits,
  async (t) => {
    const world = await newWorld(t);
    await world.start(1n);
    await world.reaches('birds-v1', 'Complete');
    world.broker.cut('n2');
    world.clock.advance(2 * offlineAfterMs);
    world.broker.beat();
    for (const version of [2n, 3n]) {
      const { spec, members } = await world.start(version);
      assert.deepEqual(members.at(-1), { ...members.at(-1), nodeId: 'n2', wave: 2 });
      await eventually(() => assert.ok((world.rollout(spec.name).members.at(-1)?.generation ?? 0n) > 0n));
      assert.equal(world.rollout(spec.name).standing.phase, 'Progressing');
      world.clock.advance(offlineAfterMs);
      world.broker.beat();
      const { standing } = await world.reaches(spec.name, 'Complete');
      assert.match(standing.message, /2 nodes on the version, 1 not reachable/);
    }
    world.broker.heal('n2');
    await eventually(() => assert.equal(world.rollout('birds-v3').members.at(-1)?.outcome, 'COMMITTED'));
    assert.deepEqual(world.node('n2').taken, ['1:v1', '3:v3']);
  },
);

test('a node that was away is sent back to what the fleet has, not to what it had before', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  world.broker.cut('n2');
  world.clock.advance(2 * offlineAfterMs);
  world.broker.beat();
  await world.start(2n);
  await eventually(() => assert.ok((world.rollout('birds-v2').members.at(-1)?.generation ?? 0n) > 0n));
  world.clock.advance(offlineAfterMs);
  world.broker.beat();
  await world.reaches('birds-v2', 'Complete');
  const { first } = wavesOf(await world.start(3n));
  for (const { id } of world.nodes) {
    world.node(id).behaviour = () => (id === first ? 'commit' : { phase: 'FAILED', code: 'LOAD_FAILED' });
  }
  await world.reaches('birds-v3', 'Reverting');
  world.node('n2').behaviour = () => 'commit';
  world.broker.heal('n2');
  await world.reaches('birds-v3', 'Reverted');
  assert.equal(world.versions(), 'n1:v2 n2:v2 n3:v2');
  assert.deepEqual(world.node('n2').taken, ['1:v1', '4:v2']);
});

test('a node that goes silent with the version times out, and that counts as a failure', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first } = wavesOf(await world.start(2n));
  await eventually(() => assert.equal(world.node(first).generation, 2n));
  world.broker.cut(first);
  world.pass(11_000);
  const reverting = await world.reaches('birds-v2', 'Reverting');
  assert.match(reverting.standing.message, new RegExp(`${first} TIMED_OUT`));
  assert.deepEqual(reverting.standing.blockedOn, [first]);
  world.pass(20_000);
  const { standing } = await world.reaches('birds-v2', 'Reverted');
  assert.match(standing.message, new RegExp(`not known to be back: ${first}`));
  world.broker.heal(first);
  assert.equal(world.node(first).version, 1n);
  assert.deepEqual(world.node(first).taken, ['1:v1', '2:v2', '3:v1']);
});

test(
  'after a silence of everybody each node has its whole deadline again: nobody times out at once',
  limits,
  async (t) => {
    const world = await newWorld(t);
    for (const node of world.nodes) node.behaviour = () => 'soak';
    const { first } = wavesOf(await world.start(1n));
    await eventually(() => assert.equal(world.node(first).generation, 1n));
    world.clock.advance(3_600_000);
    world.broker.beat();
    world.controller.tick();
    assert.equal(world.rollout('birds-v1').members[0]?.outcome, undefined);
    world.pass(9_000);
    world.controller.tick();
    assert.equal(world.rollout('birds-v1').members[0]?.outcome, undefined);
    world.pass(2_000);
    world.controller.tick();
    assert.equal(world.rollout('birds-v1').members[0]?.outcome, 'TIMED_OUT');
  },
);

test('when the whole fleet goes silent the rollout waits and judges nobody', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first } = wavesOf(await world.start(1n));
  await eventually(() => assert.equal(world.node(first).generation, 1n));
  world.clock.advance(3_600_000);
  const view = world.controller.fleet.view();
  assert.deepEqual([view.connected, view.silenceCounts], [true, false]);
  world.controller.look();
  assert.equal(world.rollout('birds-v1').standing.phase, 'Progressing');
  assert.equal(world.rollout('birds-v1').members[0]?.outcome, undefined);
  for (const node of world.nodes) node.behaviour = () => 'commit';
  world.node(first).finish();
  await world.reaches('birds-v1', 'Complete');
});

test(
  'a controller that lost its database begins above what the broker holds for nodes that took nothing of it',
  limits,
  async (t) => {
    const world = await newWorld(t);
    await world.reaches((await world.start(1n)).spec.name, 'Complete');
    for (const node of world.nodes) node.behaviour = () => 'ignore';
    const { first } = wavesOf(await world.start(2n));
    await eventually(() => assert.ok(world.controller.stores.desired.get(first)?.generation === 2n));
    await eventually(() =>
      assert.ok(
        world.controller.stores.desired.get(first)?.envelope.equals(world.broker.held.get(first) ?? Buffer.of()),
      ),
    );
    assert.equal(world.node(first).generation, 1n);
    await world.restart({ withoutDatabase: true });
    for (const node of world.nodes) node.behaviour = () => 'commit';
    await world.reaches((await world.start(3n)).spec.name, 'Complete');
    assert.deepEqual(world.node(first).taken, ['1:v1', '3:v3']);
  },
);

test('a controller whose database is an older one replaces no generation by a lower', limits, async (t) => {
  const world = await newWorld(t);
  await world.reaches((await world.start(1n)).spec.name, 'Complete');
  const old = world.copyDatabase();
  await world.reaches((await world.start(2n)).spec.name, 'Complete');
  const held = new Map(world.broker.held);
  await world.restart({ database: old });
  for (const _ of [1, 2, 3]) world.controller.tick();
  assert.deepEqual(world.broker.held, held);
  assert.equal(world.versions(), 'n1:v2 n2:v2 n3:v2');
  await world.reaches((await world.start(3n)).spec.name, 'Complete');
  assert.deepEqual(world.node('n1').taken, ['1:v1', '2:v2', '3:v3']);
});

test('a controller that lost its database begins above the generations that the nodes report', limits, async (t) => {
  const world = await newWorld(t);
  for (const version of [1n, 2n, 3n]) await world.reaches((await world.start(version)).spec.name, 'Complete');
  await world.restart({ withoutDatabase: true });
  await eventually(() => assert.equal(world.controller.fleet.get('n1')?.report?.observedGeneration, 3n));
  await world.start(4n);
  await world.reaches('birds-v4', 'Complete');
  assert.deepEqual(world.node('n1').taken, ['1:v1', '2:v2', '3:v3', '4:v4']);
});

test(
  'start refuses a selector without nodes, a node of another model at work, and waves that are none',
  limits,
  async (t) => {
    const world = await newWorld(t);
    for (const node of world.nodes) node.behaviour = () => 'soak';
    await assert.rejects(world.start(1n, { selector: { name: 'n9' } }), {
      code: 'FAILED_PRECONDITION',
      message: /no node/,
    });
    await assert.rejects(world.start(1n, { waves: ['x'] }), { code: 'INVALID_ARGUMENT', message: /wave "x"/ });
    await world.start(1n, { selector: { name: 'n1' } });
    await assert.rejects(world.start(1n, { model: 'fish' }), {
      code: 'FAILED_PRECONDITION',
      message: /n1 is part of rollout birds-v1/,
    });
    const beside = await world.start(1n, { model: 'fish', selector: { name: 'n2' } });
    assert.deepEqual(
      beside.members.map(({ nodeId }) => nodeId),
      ['n2'],
    );
  },
);

test('a report that its node did not sign is refused and changes nothing', limits, async (t) => {
  const world = await newWorld(t);
  const liar = world.node('n1');
  const { fleet } = world.controller;
  const before = fleet.get('n2')?.report;
  liar.send = (bytes) => assert.throws(() => fleet.take('n2', bytes), { code: 'PERMISSION_DENIED' });
  liar.report('FAILED', 'FORGED');
  assert.deepEqual(fleet.get('n2')?.report, before);
  assert.throws(() => fleet.take('n2', Buffer.from('garbage')), { code: 'INVALID_ARGUMENT' });
});

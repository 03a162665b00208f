import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { boardOf } from './decide/board.js';
import { explain } from './decide/explain.js';
import { newWorld, offlineAfterMs, wavesOf } from './world-for-tests.js';

const limits = { timeout: 20_000 };
type World = Awaited<ReturnType<typeof newWorld>>;

/** Waits until the rollout stands for this reason. */
async function standsFor(world: World, name: string, reason: string): Promise<void> {
  await eventually(() =>
    assert.equal(world.rollout(name).standing.reason, reason, world.rollout(name).standing.message),
  );
}
const taken = (world: World): number => world.nodes.filter(({ version }) => version > 0n).length;

test('pause holds the next wave, resume lets it go on; both carry the name of who asked', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first } = wavesOf(await world.start(1n));
  await eventually(() => assert.equal(world.node(first).generation, 1n));
  world.controller.commands.pause('birds-v1', 'ann');
  world.node(first).finish();
  await eventually(() => assert.equal(world.rollout('birds-v1').members[0]?.outcome, 'COMMITTED'));
  assert.equal(world.rollout('birds-v1').standing.phase, 'Paused');
  await world.restart();
  assert.equal(world.rollout('birds-v1').standing.reason, 'PausedByOperator');
  for (const node of world.nodes) node.behaviour = () => 'commit';
  world.controller.commands.resume('birds-v1');
  await world.reaches('birds-v1', 'Complete');
  const events = world.controller.stores.events.list(0n, 1_000);
  const by = (kind: string): string | undefined => events.find((event) => event.kind === kind)?.actor;
  assert.deepEqual([by('RolloutPaused'), by('RolloutStarted')], ['ann', 'operator']);
});

test(
  'a rollout with approval waits before each wave but the first, and says so; promote approves',
  limits,
  async (t) => {
    const world = await newWorld(t);
    await world.start(1n, { approve: true, waves: ['1', '2', '3'] });
    for (const wave of [1, 2]) {
      await eventually(() => assert.equal(world.rollout('birds-v1').standing.phase, 'Paused'));
      await eventually(() => assert.equal(world.rollout('birds-v1').standing.wave, wave));
      assert.equal(taken(world), wave);
      const rollout = world.rollout('birds-v1');
      const view = world.controller.fleet.view();
      assert.equal(explain(rollout, boardOf(rollout, view), view).waits[0]?.kind, 'approval');
      world.controller.commands.promote('birds-v1', false);
    }
    await world.reaches('birds-v1', 'Complete');
  },
);

test('the soak of a wave holds the next; promote --full gives every node the version', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n, { waveSoakMs: 60_000, waves: ['1', '2', '3'] });
  await standsFor(world, 'birds-v1', 'WaveSoaking');
  world.clock.advance(61_000);
  for (const node of world.nodes) node.report('STEADY');
  await eventually(() => assert.equal(taken(world), 2));
  await standsFor(world, 'birds-v1', 'WaveSoaking');
  world.controller.commands.promote('birds-v1', true);
  const { waves } = await world.reaches('birds-v1', 'Complete');
  assert.ok(waves.every(({ evidence }) => evidence.includes('committed, 0 failed')));
  assert.match(waves.at(-1)?.evidence ?? '', /promoted by a person/);
});

test('every wave that passes has its evidence in the log, as numbers', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  const passed = world.controller.stores.events.list(0n, 1_000).filter(({ kind }) => kind === 'WavePassed');
  const numbers = passed.map(({ evidence }) => JSON.parse(evidence) as { readonly committed: number });
  assert.deepEqual(
    numbers.map(({ committed }) => committed),
    [1, 3],
  );
});

test('no more nodes than allowed are at it at a time', limits, async (t) => {
  const world = await newWorld(t, 6);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  await world.start(1n, { waves: ['100%'], maxInFlight: 2 });
  for (let done = 0; done < 6; done++) {
    const atIt = () => world.nodes.filter((node) => node.generation > 0n && node.version === 0n);
    await eventually(() => assert.equal(atIt().length, Math.min(2, 6 - done)));
    atIt()[0]?.finish();
  }
  await world.reaches('birds-v1', 'Complete');
});

test('retry after it went back: a later attempt, with what the nodes had before known as before', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  for (const node of world.nodes) node.behaviour = () => ({ phase: 'FAILED', code: 'NO_SPACE' });
  const { first } = wavesOf(await world.start(2n));
  await world.reaches('birds-v2', 'Reverted');
  for (const node of world.nodes) node.behaviour = () => 'commit';
  world.controller.commands.retry('birds-v2');
  const { members } = await world.reaches('birds-v2', 'Complete');
  const again = members.find(({ nodeId }) => nodeId === first);
  assert.deepEqual([again?.attempt, again?.previous?.version, again?.outcome], [2, 1n, 'COMMITTED']);
  assert.equal(world.versions(), 'n1:v2 n2:v2 n3:v2');
});

test(
  'resume acknowledges what has failed: the same failures do not stop it again, a new one does',
  limits,
  async (t) => {
    const world = await newWorld(t, 12);
    await world.start(1n);
    await world.reaches('birds-v1', 'Complete');
    let failures = 1;
    for (const node of world.nodes)
      node.behaviour = () => (failures-- > 0 ? { phase: 'ROLLED_BACK', code: 'TOO_SLOW' } : 'commit');
    await world.start(2n, { waves: ['10', '100%'] });
    await standsFor(world, 'birds-v2', 'FailuresInconclusive');
    assert.equal(world.rollout('birds-v2').standing.phase, 'Paused');
    world.controller.commands.resume('birds-v2');
    const { standing } = await world.reaches('birds-v2', 'Complete');
    assert.match(standing.message, /11 nodes on the version, 1 failed/);
  },
);

test('stopping a rollout calls back the nodes that have not swapped yet', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  for (const node of world.nodes) node.behaviour = () => 'ignore';
  const { first } = wavesOf(await world.start(2n));
  await eventually(() => assert.equal(world.controller.stores.desired.get(first)?.target.version, 2n));
  world.controller.commands.abort('birds-v2', 'keep');
  assert.equal(world.rollout('birds-v2').standing.phase, 'Aborted');
  assert.equal(world.controller.stores.desired.get(first)?.target.version, 1n);
});

test(
  'a node that comes later runs the newest complete version at once, and the next one with its last wave',
  limits,
  async (t) => {
    const world = await newWorld(t, 4);
    const late = world.node('n4');
    const known = world.nodes.filter((node) => node !== late).map((node) => node.enrolled);
    world.controller.onEnrolment(known);
    await world.start(1n);
    await world.reaches('birds-v1', 'Complete');
    assert.equal(late.version, 0n);
    for (const node of world.nodes) node.behaviour = (version) => (version === 2n ? 'soak' : 'commit');
    const { members } = await world.start(2n, { waves: ['1', '2', '3'] });
    world.controller.onEnrolment(world.nodes.map((node) => node.enrolled));
    late.start();
    await eventually(() => assert.equal(late.version, 1n));
    assert.equal(members.length, 3);
    await eventually(() => assert.equal(world.rollout('birds-v2').members.at(-1)?.nodeId, 'n4'));
    assert.deepEqual([world.rollout('birds-v2').members.at(-1)?.wave, world.rollout('birds-v2').standing.wave], [3, 1]);
    for (const wave of [1, 2, 3]) {
      await eventually(() => assert.equal(world.rollout('birds-v2').standing.wave, wave));
      const own = world.rollout('birds-v2').members.filter((member) => member.wave === wave);
      for (const { nodeId } of own) {
        await eventually(() => assert.equal(world.node(nodeId).taken.at(-1)?.endsWith('v2'), true));
        world.node(nodeId).finish();
      }
    }
    await world.reaches('birds-v2', 'Complete');
    assert.deepEqual(late.taken, ['1:v1', '2:v2']);
  },
);

test('what nodes shall run is signed anew before it expires: no node changes its model', limits, async (t) => {
  const world = await newWorld(t);
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  world.clock.advance(61 * 86_400_000);
  for (const node of world.nodes) node.report('STEADY');
  await eventually(() => assert.ok(world.nodes.every(({ generation }) => generation === 2n)));
  assert.equal(world.versions(), 'n1:v1 n2:v1 n3:v1');
  const { members } = world.rollout('birds-v1');
  assert.deepEqual(
    members.map(({ generation, outcome }) => [generation, outcome]),
    members.map(() => [2n, 'COMMITTED']),
  );
});

test('a node that was called back while it was away is sent back to what the fleet has', limits, async (t) => {
  const world = await newWorld(t);
  for (const version of [1n, 2n]) {
    if (version === 2n) {
      world.broker.cut('n2');
      world.clock.advance(2 * offlineAfterMs);
      world.broker.beat();
    }
    const { spec } = await world.start(version);
    await eventually(() => assert.ok(world.rollout(spec.name).members.every(({ generation }) => generation > 0n)));
    world.clock.advance(offlineAfterMs);
    world.broker.beat();
    await world.reaches(spec.name, 'Complete');
  }
  const target = (): bigint | undefined => world.controller.stores.desired.get('n2')?.target.version;
  const later = { selector: { name: 'n2' }, waves: ['100%'] };
  for (const version of [3n, 4n]) {
    await world.start(version, later);
    await eventually(() => assert.equal(target(), version));
    world.controller.commands.abort(`birds-v${version}`, 'keep');
    assert.equal(target(), 2n);
  }
  world.broker.heal('n2');
  await eventually(() => assert.equal(world.node('n2').version, 2n));
});

test('a release that is rolled out again is another attempt, for nodes that condemned it', limits, async (t) => {
  const world = await newWorld(t);
  for (const attempt of [1, 2]) {
    const { spec } = await world.start(1n);
    const { members } = await world.reaches(spec.name, 'Complete');
    assert.deepEqual([...new Set(members.map((member) => member.attempt))], [attempt], spec.name);
  }
});

const health = (requests: bigint, p99Ms: number) => ({ requests, errors: 0n, p50Ms: 1, p99Ms, crashes: 0n });
const metrics = {
  minRequests: 100,
  maxErrorRatio: 2,
  maxP99Ratio: 2,
  maxCrashes: 0,
  maxScoreDrift: 0.25,
  patienceMs: 60_000,
};

/** A fleet on version 1 whose nodes have answered, and a canary of version 2 that has committed and said nothing of itself yet. */
async function canaryOf(world: World): Promise<World['nodes'][number]> {
  await world.start(1n);
  await world.reaches('birds-v1', 'Complete');
  for (const node of world.nodes) {
    node.health = health(1_000n, 10);
    node.report('STEADY');
    node.behaviour = () => 'soak';
  }
  const { first } = wavesOf(await world.start(2n, { metrics }));
  const canary = world.node(first);
  await eventually(() => assert.equal(canary.taken.at(-1), '2:v2'));
  canary.baseline = canary.health;
  canary.health = undefined;
  canary.finish();
  await standsFor(world, 'birds-v2', 'WaitingForMetrics');
  for (const node of world.nodes) {
    node.behaviour = () => 'commit';
    if (node === canary) continue;
    node.health = health(2_000n, 11);
    node.baseline = node.health;
    node.report('STEADY');
  }
  return canary;
}

for (const [what, p99Ms, phase, reason] of [
  ['as quick as the others and as before', 12, 'Complete', 'AllWavesPassed'],
  ['slower than the others and than before', 40, 'Reverted', 'MetricsFailed'],
] as const) {
  test(`the metric gate: a first wave that is ${what}: ${phase}`, limits, async (t) => {
    const world = await newWorld(t);
    const canary = await canaryOf(world);
    canary.health = health(500n, p99Ms);
    canary.report('STEADY');
    const { standing, waves } = await world.reaches('birds-v2', phase);
    assert.equal(standing.reason, reason);
    if (phase === 'Complete') assert.match(waves[0]?.evidence ?? '', /numbers PASS: wave: 1 nodes, 500 requests/);
    else assert.match(standing.message, /times slower than control, .* than before.*control: 2 nodes, 2000 requests/);
    const version = phase === 'Complete' ? 2n : 1n;
    assert.ok(world.nodes.every((node) => node.version === version));
  });
}

test(
  'the metric gate: a first wave without requests pauses, resumes to wait once more, and is promoted',
  limits,
  async (t) => {
    const world = await newWorld(t);
    await canaryOf(world);
    const outlast = (): void => {
      world.clock.advance(61_000);
      for (const node of world.nodes) node.report('STEADY');
    };
    outlast();
    await standsFor(world, 'birds-v2', 'MetricsInconclusive');
    assert.match(world.rollout('birds-v2').standing.message, /saw 0 requests, 100 are needed/);
    world.controller.commands.resume('birds-v2');
    await standsFor(world, 'birds-v2', 'WaitingForMetrics');
    outlast();
    await standsFor(world, 'birds-v2', 'MetricsInconclusive');
    world.controller.commands.promote('birds-v2', false);
    await eventually(() => assert.equal(world.rollout('birds-v2').standing.wave, 2));
  },
);

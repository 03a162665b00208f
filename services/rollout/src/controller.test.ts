import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { openDatabase } from '@atoll/database/database';
import { generateKeyPair } from '@atoll/release/keys';
import { BrokerForTests } from './broker-for-tests.js';
import { type Controller, startController } from './controller.js';
import type { SpecRequest } from './decide/admission.js';
import type { Phase, Rollout } from './decide/rollout.js';
import { createDirector } from './director.js';
import { listen } from './events.js';
import { NodeForTests } from './node-for-tests.js';
import { migrations } from './state/migrations.js';

const signal = new AbortController().signal;
const offlineAfterMs = 5_000;
const limits = { timeout: 20_000 };

/** A clock that stands until it is moved. */
class StandingClock {
  #nowMs = 1_000_000;
  nowMs(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Nodes, a broker, and a controller that can be stopped and started over the same database. */
class World {
  readonly clock = new StandingClock();
  readonly director = generateKeyPair();
  readonly nodes: readonly NodeForTests[];
  readonly broker: BrokerForTests;
  readonly #path: string;
  #stop: () => Promise<void> = async () => undefined;
  #controller: Controller | undefined;

  constructor(t: TestContext, count: number) {
    this.nodes = Array.from(
      { length: count },
      (_, index) => new NodeForTests(`n${index + 1}`, this.director.publicKey, this.clock),
    );
    this.broker = new BrokerForTests(this.nodes);
    const folder = mkdtempSync(join(tmpdir(), 'atoll-rollout-'));
    this.#path = join(folder, 'rollout.sqlite');
    t.after(async () => {
      await this.#stop();
      rmSync(folder, { recursive: true });
    });
  }

  get controller(): Controller {
    assert.ok(this.#controller);
    return this.#controller;
  }

  async restart(how: { readonly withoutDatabase?: boolean } = {}): Promise<void> {
    await this.#stop();
    if (how.withoutDatabase === true)
      for (const tail of ['', '-wal', '-shm']) rmSync(this.#path + tail, { force: true });
    const db = openDatabase(this.#path, migrations);
    const controller = startController({
      db,
      bus: this.broker,
      director: createDirector(this.director.privateKey),
      enrolled: this.nodes.map((node) => node.enrolled),
      findRelease: async (model, version) => sha256(`${model} ${version}`),
      offlineAfterMs,
      clock: this.clock,
      log: silentLogger,
      everyMs: 10,
    });
    listen(this.broker, controller, silentLogger);
    this.#controller = controller;
    this.#stop = async () => {
      await controller.stop();
      db.close();
      this.#stop = async () => undefined;
    };
    await eventually(() => assert.ok(controller.fleet.view().connected));
  }

  /** Long enough after the last restart that silence means something. */
  settle(): void {
    this.clock.advance(offlineAfterMs);
    this.broker.beat();
  }

  node(id: string): NodeForTests {
    const node = this.nodes.find((one) => one.id === id);
    assert.ok(node);
    return node;
  }

  async start(version: bigint, change: Partial<SpecRequest> = {}): Promise<Rollout> {
    const soak = { durationMs: 1_000, minRequests: 1, maxErrorRate: 1, maxLatencyRatio: 1, prepareDeadlineMs: 1_000 };
    const request = { name: '', model: 'birds', version, selector: {}, waves: ['1', '100%'], soak };
    const gates = { maxFailures: 0, maxFailureRate: 0, nodeDeadlineMs: 9_000 };
    return this.controller.commands.start({ ...request, ...gates, ...change }, signal);
  }

  rollout(name: string): Rollout {
    const rollout = this.controller.stores.rollouts.load(name);
    assert.ok(rollout, name);
    return rollout;
  }

  async reaches(name: string, phase: Phase): Promise<Rollout> {
    return eventually(() => {
      const rollout = this.rollout(name);
      assert.equal(rollout.standing.phase, phase, rollout.standing.message);
      return rollout;
    }, 5_000);
  }

  versions(): string {
    return this.nodes.map((node) => `${node.id}:v${node.version}`).join(' ');
  }

  kinds(rollout: string): string[] {
    const events = this.controller.stores.events.list(0n, 10_000).filter((event) => event.rollout === rollout);
    return events.map(({ kind, nodeId }) => (nodeId === '' ? kind : `${kind} ${nodeId}`));
  }
}

async function newWorld(t: TestContext, count = 3): Promise<World> {
  const world = new World(t, count);
  await world.restart();
  for (const node of world.nodes) node.start();
  world.settle();
  return world;
}

/** The nodes of the first wave, and the others. */
function wavesOf({ members }: Rollout): { readonly first: string; readonly rest: readonly string[] } {
  const [first, ...rest] = members.map(({ nodeId }) => nodeId);
  assert.ok(first);
  return { first, rest };
}

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
    for (const node of world.nodes) node.behaviour = () => 'soak';
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
  assert.equal(world.node(back).version, back === kept ? 2n : 1n);
  assert.throws(() => world.controller.commands.abort('birds-v3', 'keep'), { code: 'FAILED_PRECONDITION' });
  assert.throws(() => world.controller.commands.abort('none', 'keep'), { code: 'NOT_FOUND' });
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
  world.clock.advance(11_000);
  world.broker.beat();
  const reverting = await world.reaches('birds-v2', 'Reverting');
  assert.match(reverting.standing.message, new RegExp(`${first} TIMED_OUT`));
  assert.deepEqual(reverting.standing.blockedOn, [first]);
  world.clock.advance(20_000);
  world.broker.beat();
  const { standing } = await world.reaches('birds-v2', 'Reverted');
  assert.match(standing.message, new RegExp(`not known to be back: ${first}`));
  world.broker.heal(first);
  assert.equal(world.node(first).version, 1n);
  assert.deepEqual(world.node(first).taken, ['1:v1', '2:v2', '3:v1']);
});

test('when the whole fleet goes silent the rollout waits and judges nobody', limits, async (t) => {
  const world = await newWorld(t);
  for (const node of world.nodes) node.behaviour = () => 'soak';
  const { first } = wavesOf(await world.start(1n));
  await eventually(() => assert.equal(world.node(first).generation, 1n));
  world.clock.advance(3_600_000);
  const view = world.controller.fleet.view();
  assert.deepEqual([view.connected, view.silenceCounts], [true, false]);
  world.controller.onNews();
  // Two turns of the loop: in the first the look that was asked for takes place.
  for (const _ of [1, 2]) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(world.rollout('birds-v1').standing.phase, 'Progressing');
  assert.equal(world.rollout('birds-v1').members[0]?.outcome, undefined);
  for (const node of world.nodes) node.behaviour = () => 'commit';
  world.node(first).finish();
  await world.reaches('birds-v1', 'Complete');
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

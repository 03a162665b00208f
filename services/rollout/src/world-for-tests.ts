/** A whole fleet in one process: nodes, a broker, a clock that stands until it is moved, and a controller that can be restarted. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { openDatabase } from '@atoll/database/database';
import { generateKeyPair } from '@atoll/release/keys';
import { BrokerForTests } from './broker-for-tests.js';
import { type Controller, startController } from './controller.js';
import type { SpecRequest } from './decide/admission.js';
import type { Phase, Rollout } from './decide/rollout.js';
import { listen } from './events.js';
import { NodeForTests } from './node-for-tests.js';
import { sampleSpec } from './rollout-for-tests.js';
import { migrations } from './state/migrations.js';
import { databaseStores } from './state/stores.js';

const signal = new AbortController().signal;

/** After this silence a node is away, milliseconds. */
export const offlineAfterMs = 5_000;

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

  /** The database as it is now, to be restarted with; the path of the copy. */
  copyDatabase(): string {
    const copy = `${this.#path}.copy`;
    for (const tail of ['', '-wal']) copyFileSync(this.#path + tail, copy + tail);
    return copy;
  }

  async restart(how: { readonly withoutDatabase?: boolean; readonly database?: string } = {}): Promise<void> {
    await this.#stop();
    const { withoutDatabase = false, database } = how;
    if (withoutDatabase || database !== undefined)
      for (const tail of ['', '-wal', '-shm']) rmSync(this.#path + tail, { force: true });
    if (database !== undefined) for (const tail of ['', '-wal']) renameSync(database + tail, this.#path + tail);
    const db = openDatabase(this.#path, migrations);
    const controller = startController({
      stores: databaseStores(db),
      bus: this.broker,
      directorKey: this.director.privateKey,
      enrolled: this.nodes.map((node) => node.enrolled),
      findRelease: async (model, version) => sha256(`${model} ${version}`),
      offlineAfterMs,
      leads: () => true,
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

  /** Time passes in which every node that can be reached says that it is alive. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= offlineAfterMs) {
      this.clock.advance(Math.min(left, offlineAfterMs));
      this.broker.beat();
    }
  }

  node(id: string): NodeForTests {
    const node = this.nodes.find((one) => one.id === id);
    assert.ok(node);
    return node;
  }

  async start(version: bigint, change: Partial<SpecRequest> = {}): Promise<Rollout> {
    const soak = { durationMs: 1_000, minRequests: 1, maxErrorRate: 1, maxLatencyRatio: 1, prepareDeadlineMs: 1_000 };
    const request = { name: '', model: 'birds', version, selector: {}, waves: ['1', '100%'], soak };
    const { name: _name, target: _target, ...usual } = sampleSpec;
    const gates = { maxFailures: 0, maxFailureRate: 0, nodeDeadlineMs: 9_000 };
    return this.controller.start({ ...usual, ...request, ...gates, ...change }, signal);
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

/** A world whose nodes have said that they are there, and whose silence means something. */
export async function newWorld(t: TestContext, count = 3): Promise<World> {
  const world = new World(t, count);
  await world.restart();
  for (const node of world.nodes) node.start();
  world.settle();
  return world;
}

/** The nodes of the first wave, and the others. */
export function wavesOf({ members }: Rollout): { readonly first: string; readonly rest: readonly string[] } {
  const [first, ...rest] = members.map(({ nodeId }) => nodeId);
  assert.ok(first);
  return { first, rest };
}

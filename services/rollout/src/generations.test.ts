import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtollError, reasonOf } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { StatusReport } from '@atoll/proto/atoll/v1/release';
import { generateKeyPair } from '@atoll/release/keys';
import { type ControllerCore, createCore } from './core.js';
import type { SignedOrder } from './director.js';
import type { EnrolledNode } from './fleet/enrolment.js';
import { sampleSpec } from './rollout-for-tests.js';
import { takeLease, type LeaderStores } from './state/lease.js';
import { memoryStores } from './state/memory/stores.js';

const seeds = 25;
const turns = 250;
const leaseMs = 500;
const { publicKey } = generateKeyPair();
const ids = ['a', 'b', 'c', 'd', 'e'];
const enrolled: readonly EnrolledNode[] = ids.map((id) => ({ id, publicKey, labels: {} }));

/** Controllers that stand still, lose their power and are replaced, over one store, one broker and nodes that take what they hear. */
class World {
  readonly stores = memoryStores();
  /** Every state that any node could ever have heard, by node and generation. */
  readonly said = new Map<string, string>();
  readonly #held = new Map<string, string>();
  readonly #observed = new Map<string, bigint>();
  readonly #cores: { readonly core: ControllerCore; readonly leader: LeaderStores; readonly holder: string }[] = [];
  #nowMs = 1_000_000;
  #state: number;
  #sequence = 0n;
  #signed = 0;
  #started = 0;

  constructor(seed: number) {
    this.#state = seed;
  }

  chance(below: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % below;
  }

  /** A controller that leads, if it may. */
  #begin(holder: string): void {
    const clock = { nowMs: () => this.#nowMs };
    const leader = takeLease(this.stores, { holder, leaseMs, clock });
    if (leader === undefined) return;
    const core = createCore({
      stores: leader,
      // No two signatures have the same bytes, as if each controller asked for something else.
      director: {
        sign: ({ nodeId, generation }) => this.#sign(nodeId, generation),
        renew: (envelope, generation) => this.#sign(Buffer.from(envelope).toString().split(':')[0] ?? '', generation),
      },
      enrolled,
      openStatus: (_, bytes) => this.#report(Buffer.from(bytes).toString()),
      generationOf: (_, held) => BigInt(Buffer.from(held).toString().split(':')[1] ?? '0'),
      offlineAfterMs: 2_000,
      clock,
      newUid: () => `uid ${++this.#started}`,
      leads: () => leader.leads(),
      wake: () => undefined,
      changed: () => undefined,
      log: silentLogger,
    });
    this.#cores.push({ core, leader, holder });
  }

  turn(): void {
    this.#nowMs += this.chance(100);
    const one = this.#cores[this.chance(Math.max(1, this.#cores.length))];
    const what = this.chance(20);
    if (what === 0) this.stores.power.cutAtCommit(this.chance(2) === 0 ? 'kept' : 'lost');
    const holder = what <= 2 ? `holder ${++this.#started}` : one?.holder;
    try {
      if (what <= 2) this.#begin(holder ?? '');
      else if (one !== undefined) this.#do(one, what);
    } catch (error) {
      // A replaced or dying controller refuses what is asked of it.
      if (!isAtollError(error)) throw error;
    }
    if (!this.#hasPower()) this.#crash(holder ?? '');
  }

  /** States that were sent. */
  get generations(): number {
    return this.said.size;
  }

  #do({ core, leader }: { readonly core: ControllerCore; readonly leader: LeaderStores }, what: number): void {
    if (what === 3) this.#nowMs += leaseMs + 1;
    if (what === 4 || what === 5)
      core.commands.start({ ...request, version: BigInt(1 + this.chance(5)) }, '2'.repeat(64));
    if (what === 6) core.onBroker('connected');
    if (what === 7) for (const [id] of this.#held) if (this.chance(2) === 0) this.#held.delete(id);
    if (what === 8 || what === 9) leader.renew();
    for (const id of ids) if (this.chance(3) === 0) core.onStatus(id, Buffer.from(id));
    if (what % 2 === 0) core.tick();
    else core.look();
    for (let count = this.chance(12); count > 0; count--) this.#send(core);
  }

  #send(core: ControllerCore): void {
    const task = core.nextOutgoing();
    if (task === undefined) return;
    const { nodeId } = task;
    if (task.kind === 'put') {
      const state = Buffer.from(task.bytes).toString();
      const [, generation = ''] = state.split(':');
      const key = `${nodeId} ${generation}`;
      assert.equal(this.said.get(key) ?? state, state, `two states for generation ${generation} of ${nodeId}`);
      this.said.set(key, state);
      this.#held.set(nodeId, state);
      if (this.chance(2) === 0) this.#hear(nodeId, BigInt(generation));
    }
    const held = this.#held.get(nodeId);
    core.outgoingDone(task, { kind: 'done', held: held === undefined ? undefined : Buffer.from(held) });
  }

  #sign(nodeId: string, generation: bigint): SignedOrder {
    return { envelope: Buffer.from(`${nodeId}:${generation}:${++this.#signed}`), expiresMs: Number.MAX_SAFE_INTEGER };
  }

  #hear(nodeId: string, generation: bigint): void {
    if (generation > (this.#observed.get(nodeId) ?? 0n)) this.#observed.set(nodeId, generation);
  }

  #hasPower(): boolean {
    try {
      this.stores.rollouts.has('any');
      return true;
    } catch {
      return false;
    }
  }

  /** The process of this holder is no more; the others find the store as it was left. */
  #crash(holder: string): void {
    const position = this.#cores.findIndex((one) => one.holder === holder);
    if (position >= 0) this.#cores.splice(position, 1);
    this.stores.power.restore();
  }

  #report(nodeId: string): StatusReport {
    const observedGeneration = this.#observed.get(nodeId) ?? 0n;
    const serving = { model: 'birds', version: 1n, manifestSha256: '2'.repeat(64) };
    return StatusReport.fromPartial({
      nodeId,
      bootId: 'boot',
      sequence: ++this.#sequence,
      observedGeneration,
      phase: 1,
      ...serving,
    });
  }
}

const { target: _, ...rest } = sampleSpec;
const request = { ...rest, name: '', model: 'birds', waves: ['2', '100%'] };

test('whatever controllers do, crash and overlap, no node is ever told two states for one generation', () => {
  let generations = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const world = new World(seed);
    for (let turn = 0; turn < turns; turn++) {
      try {
        world.turn();
      } catch (error) {
        throw new Error(`seed ${seed}, turn ${turn}: ${reasonOf(error)}`, { cause: error });
      }
    }
    generations += world.generations;
  }
  assert.ok(generations > 5 * seeds, `only ${generations} states were sent`);
});

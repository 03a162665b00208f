import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newVersion } from '../rollout-for-tests.js';
import { createOutbox, type Outbox, type Task } from './outbox.js';

/** An outbox of nodes a, b and c over a bus that keeps texts like "3:x" of generation 3. */
class Setting {
  readonly store = new Map<string, string>();
  readonly bus = new Map<string, string>();
  readonly repaired: string[] = [];
  readonly held: string[] = [];
  readonly outbox: Outbox = createOutbox({
    desired: {
      get: (nodeId) => {
        const text = this.store.get(nodeId);
        if (text === undefined) return undefined;
        const generation = BigInt(text.split(':')[0] ?? '0');
        return { nodeId, generation, rollout: 'r', target: newVersion, envelope: Buffer.from(text), expiresMs: 0 };
      },
    },
    generationOf: (_, held) => {
      const [generation, ...rest] = Buffer.from(held).toString().split(':');
      return rest.length === 1 ? BigInt(generation ?? '0') : undefined;
    },
    onHeld: (nodeId, generation) => this.held.push(`${nodeId}${generation}`),
    onRepaired: (nodeId) => this.repaired.push(nodeId),
  });

  constructor() {
    this.outbox.setNodes(['a', 'b', 'c']);
  }

  tell(nodeId: string, text: string): void {
    this.store.set(nodeId, text);
    this.outbox.publish([nodeId]);
  }

  answer(task: Task): void {
    if (task.kind === 'put') this.bus.set(task.nodeId, Buffer.from(task.bytes).toString());
    const text = this.bus.get(task.nodeId);
    this.outbox.done(task, { kind: 'done', held: text === undefined ? undefined : Buffer.from(text) });
  }

  /** Does all there is to do. */
  drain(): string[] {
    const done: string[] = [];
    for (let task = this.outbox.next(); task !== undefined; task = this.outbox.next()) {
      done.push(`${task.kind} ${task.nodeId}`);
      this.answer(task);
    }
    return done;
  }
}

test('connected only once every node was compared; then what changes is put', () => {
  const setting = new Setting();
  assert.equal(setting.outbox.connected(), false);
  assert.deepEqual(setting.drain(), ['get a', 'get b', 'get c']);
  assert.equal(setting.outbox.connected(), true);
  setting.tell('b', '1:x');
  assert.equal(setting.outbox.connected(), true);
  assert.deepEqual(setting.drain(), ['put b']);
  assert.deepEqual(setting.repaired, []);
});

test('a node has one task at a time, so that an older state never overtakes a newer', () => {
  const setting = new Setting();
  setting.drain();
  setting.tell('a', '1:x');
  const first = setting.outbox.next();
  assert.ok(first);
  setting.tell('a', '2:y');
  assert.equal(setting.outbox.next(), undefined);
  setting.answer(first);
  assert.deepEqual(setting.drain(), ['put a']);
  assert.equal(setting.bus.get('a'), '2:y');
});

test('a failure: not connected, nothing is sent until the next round, and then what failed is sent', () => {
  const setting = new Setting();
  setting.drain();
  setting.tell('a', '1:x');
  const task = setting.outbox.next();
  assert.ok(task);
  setting.outbox.done(task, { kind: 'away' });
  assert.equal(setting.outbox.connected(), false);
  assert.equal(setting.outbox.next(), undefined);
  setting.outbox.round();
  assert.equal(setting.drain()[0], 'put a');
  assert.equal(setting.outbox.connected(), true);
});

test('a broker that was away and lost everything: connected again after all were compared and before that not', () => {
  const setting = new Setting();
  for (const id of ['a', 'b']) setting.tell(id, '1:x');
  setting.drain();
  setting.bus.clear();
  setting.outbox.away();
  assert.deepEqual([setting.outbox.connected(), setting.outbox.next()], [false, undefined]);
  setting.outbox.returned();
  const tasks = [setting.outbox.next(), setting.outbox.next()];
  for (const task of tasks) if (task !== undefined) setting.answer(task);
  assert.equal(setting.outbox.connected(), false);
  setting.drain();
  assert.equal(setting.outbox.connected(), true);
  assert.deepEqual([setting.bus.get('a'), setting.bus.get('b')], ['1:x', '1:x']);
  assert.deepEqual(setting.repaired.toSorted(), ['a', 'b']);
});

test('a round compares a few nodes and repairs what is lower, other, or nobody’s', () => {
  const setting = new Setting();
  for (const id of ['a', 'b', 'c']) setting.tell(id, '5:x');
  setting.drain();
  setting.bus.set('a', '4:x').set('b', 'garbage').delete('c');
  setting.outbox.round();
  setting.drain();
  assert.deepEqual([...setting.bus.values()], ['5:x', '5:x', '5:x']);
  assert.deepEqual(setting.held, ['a4']);
});

test('a higher generation than the store knows is told of and left as it is', () => {
  const setting = new Setting();
  setting.store.set('a', '5:x');
  setting.bus.set('a', '7:y').set('b', '3:z');
  setting.drain();
  assert.deepEqual([setting.bus.get('a'), setting.bus.get('b')], ['7:y', '3:z']);
  assert.deepEqual(setting.held, ['a7', 'b3']);
  assert.deepEqual(setting.repaired, []);
});

test('bytes that the broker refuses are one node’s misfortune', () => {
  const setting = new Setting();
  setting.drain();
  setting.tell('a', '1:x');
  const task = setting.outbox.next();
  assert.ok(task);
  setting.outbox.done(task, { kind: 'refused' });
  assert.equal(setting.outbox.connected(), true);
  setting.tell('b', '1:x');
  assert.deepEqual(setting.drain(), ['put b']);
});

test('nodes that are no longer of the fleet are told nothing more, new ones are compared', () => {
  const setting = new Setting();
  setting.drain();
  for (const id of ['a', 'b']) setting.tell(id, '1:x');
  setting.outbox.setNodes(['b', 'd']);
  assert.deepEqual(setting.drain(), ['put b', 'get d']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { levelOf } from './caller.js';
import { createWaitingLine } from './waiting-line.js';
import type { InLine, WaitingLine } from './waiting-line.js';

interface Item extends InLine {
  readonly id: number;
}

const runs = { numRuns: 300, seed: 7 };
const item = (id: number, client: string, priority = 0, flow = ''): Item => ({ id, client, flow, priority });
const arbitraryItem = fc.record({
  id: fc.nat(),
  client: fc.constantFrom('a', 'b', 'c', 'd'),
  flow: fc.constantFrom('1', '2'),
  priority: fc.integer({ min: 0, max: 11 }),
});

function all(line: WaitingLine<Item>): Item[] {
  const items: Item[] = [];
  for (let next = line.shift(); next !== undefined; next = line.shift()) items.push(next);
  return items;
}

test('a line gives everything back once, and size tells how much there is, whatever comes, goes and leaves', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: arbitraryItem },
    { weight: 1, arbitrary: fc.constant('shift' as const) },
    { weight: 1, arbitrary: fc.constant('remove' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 12 }), (steps, limit) => {
      const line = createWaitingLine<Item>(limit);
      const inside = new Set<Item>();
      for (const what of steps) {
        if (what === 'shift') {
          const next = line.shift();
          assert.equal(next === undefined, inside.size === 0);
          if (next !== undefined) assert.ok(inside.delete(next));
        } else if (what === 'remove') {
          const [any] = inside;
          if (any === undefined) continue;
          assert.ok(line.remove(any));
          assert.ok(!line.remove(any));
          inside.delete(any);
        } else {
          const newcomer = { ...what };
          const gone = line.push(newcomer);
          if (gone !== newcomer) inside.add(newcomer);
          if (gone !== undefined && gone !== newcomer) assert.ok(inside.delete(gone));
          assert.ok(gone === undefined || inside.size === limit);
        }
        assert.equal(line.size, inside.size);
      }
      assert.deepEqual(new Set(all(line)), inside);
    }),
    runs,
  );
});

test('the more urgent level comes first, and one client is served in the order of its flow', () => {
  const line = createWaitingLine<Item>(100);
  for (const [id, priority] of [9, 0, 1, 5, 1].entries()) line.push(item(id, 'a', priority));
  assert.deepEqual(
    all(line).map(({ id }) => id),
    [2, 4, 1, 3, 0],
  );
});

test('the least urgent request is served although more urgent ones never end', () => {
  const line = createWaitingLine<Item>(1_000);
  line.push(item(-1, 'patient', 10));
  let before = 0;
  for (let last: Item | undefined; last?.id !== -1; last = line.shift()) {
    line.push(item(before, 'a', 1));
    line.push(item(before, 'b', 2));
    assert.ok(++before < 40, 'it is never served');
  }
});

test('clients take turns however many requests each has, and so do the flows of one client', () => {
  const line = createWaitingLine<Item>(2_000);
  for (let id = 0; id < 1_000; id++) line.push(item(id, 'hog', 0, String(id % 2)));
  line.push(item(-1, 'b'));
  line.push(item(-2, 'b'));
  line.push(item(-3, 'c'));
  const first = Array.from({ length: 7 }, () => line.shift());
  assert.deepEqual(
    first.map((next) => next?.client),
    ['hog', 'b', 'c', 'hog', 'b', 'hog', 'hog'],
  );
  assert.deepEqual(
    first.flatMap((next) => (next?.client === 'hog' ? [next.flow] : [])),
    ['0', '1', '0', '1'],
  );
});

test('whoever has less than its share of a full line gets a place, and nobody is pushed below it', () => {
  fc.assert(
    fc.property(fc.array(arbitraryItem, { minLength: 20, maxLength: 120 }), (items) => {
      const limit = 12;
      const line = createWaitingLine<Item>(limit);
      const counts = new Map<string, number>();
      const add = (client: string, by: number): void => void counts.set(client, (counts.get(client) ?? 0) + by);
      for (const newcomer of items.map((one) => ({ ...one }))) {
        const share = Math.floor(limit / new Set([...counts.keys(), newcomer.client]).size);
        const mine = counts.get(newcomer.client) ?? 0;
        const gone = line.push(newcomer);
        if (mine < share) assert.notEqual(gone, newcomer, `${newcomer.client} has ${mine} of ${share}`);
        if (gone !== newcomer) add(newcomer.client, 1);
        if (gone !== undefined && gone !== newcomer) {
          if (gone.client !== newcomer.client) assert.ok((counts.get(gone.client) ?? 0) > share);
          else assert.ok(levelOf(gone.priority) > levelOf(newcomer.priority));
          add(gone.client, -1);
        }
      }
    }),
    runs,
  );
});

test('ahead is how many are served before a newcomer when nobody else comes and no level is passed over', () => {
  fc.assert(
    fc.property(fc.array(arbitraryItem, { maxLength: 14 }), arbitraryItem, (items, newcomer) => {
      const line = createWaitingLine<Item>(100);
      for (const one of items) line.push({ ...one, flow: '' });
      const last = { ...newcomer, flow: '' };
      const ahead = line.ahead(last);
      line.push(last);
      const place = all(line).indexOf(last);
      // Clients with fewer requests than the newcomer's own drop out of the turns early: ahead is a bound then.
      assert.ok(place <= ahead, `place ${place}, ahead ${ahead}`);
    }),
    runs,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdQueue } from './id-queue.js';

const all = (): boolean => true;

test('IdQueue: first come, first taken, each once until it is added again', () => {
  const queue = new IdQueue();
  for (const id of ['a', 'b', 'a']) queue.add(id);
  assert.deepEqual([queue.size, queue.take(all), queue.has('a')], [2, 'a', false]);
  queue.add('a');
  assert.deepEqual([queue.take(all), queue.take(all), queue.take(all)], ['b', 'a', undefined]);
});

test('IdQueue: who may not be taken yet keeps his place', () => {
  const queue = new IdQueue();
  for (const id of ['a', 'b', 'c']) queue.add(id);
  assert.equal(
    queue.take((id) => id === 'c'),
    'c',
  );
  assert.equal(
    queue.take(() => false),
    undefined,
  );
  assert.deepEqual([queue.take(all), queue.take(all), queue.size], ['a', 'b', 0]);
});

test('IdQueue: thousands go through in order', () => {
  const queue = new IdQueue();
  const taken: string[] = [];
  for (let id = 0; id < 5_000; id++) {
    queue.add(`${id}`);
    if (id % 2 === 1) taken.push(queue.take(all) ?? '');
  }
  for (let id = queue.take(all); id !== undefined; id = queue.take(all)) taken.push(id);
  assert.deepEqual(
    taken,
    Array.from({ length: 5_000 }, (_, id) => `${id}`),
  );
});

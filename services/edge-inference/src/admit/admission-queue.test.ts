import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '@atoll/base/clock';
import { createAdmissionQueue } from './admission-queue.js';
import type { Caller } from './caller.js';

function fakeClock(): Clock & { advance(ms: number): void } {
  let ms = 1_000;
  return { nowMs: () => ms, monotonicMs: () => ms, advance: (by) => void (ms += by) };
}

const patient: Caller = {
  deadlineMs: Number.POSITIVE_INFINITY,
  signal: new AbortController().signal,
  client: 'a',
  flow: '1',
  priority: 0,
};

describe('an admission queue', () => {
  test('admits up to its concurrency at once and the others in order', async () => {
    const clock = fakeClock();
    const queue = createAdmissionQueue('m', { concurrency: 2, limit: 10, clock });
    const a = await queue.enter(patient);
    await queue.enter(patient);
    const order: string[] = [];
    const enter = async (name: string) => {
      const ticket = await queue.enter(patient);
      order.push(name);
      return ticket;
    };
    const [c, d] = [enter('c'), enter('d')];
    assert.equal(queue.waiting, 2);
    clock.advance(7);
    a.release();
    a.release();
    const third = await c;
    assert.deepEqual([third.queueMs, queue.waiting, order], [7, 1, ['c']]);
    third.release();
    await d;
    assert.deepEqual(order, ['c', 'd']);
  });

  test('refuses at once when it is full', async () => {
    const queue = createAdmissionQueue('m', { concurrency: 1, limit: 1, clock: fakeClock() });
    const first = await queue.enter(patient);
    const second = queue.enter(patient);
    await assert.rejects(queue.enter(patient), { code: 'RESOURCE_EXHAUSTED', message: /^cannot run m: 1 requests/ });
    first.release();
    (await second).release();
    (await queue.enter(patient)).release();
  });

  test('refuses a passed deadline at the door and at the head of the queue', async () => {
    const clock = fakeClock();
    const queue = createAdmissionQueue('m', { concurrency: 1, limit: 9, clock });
    await assert.rejects(queue.enter({ ...patient, deadlineMs: 1_000 }), { code: 'DEADLINE_EXCEEDED' });
    const first = await queue.enter(patient);
    const hurried = queue.enter({ ...patient, deadlineMs: 1_010 });
    const unhurried = queue.enter(patient);
    clock.advance(10);
    first.release();
    await assert.rejects(hurried, { code: 'DEADLINE_EXCEEDED' });
    (await unhurried).release();
  });

  test('lets a caller that went away leave its place', async () => {
    const queue = createAdmissionQueue('m', { concurrency: 1, limit: 1, clock: fakeClock() });
    const first = await queue.enter(patient);
    const controller = new AbortController();
    const gone = queue.enter({ ...patient, signal: controller.signal });
    controller.abort();
    await assert.rejects(gone, { code: 'CANCELLED' });
    const next = queue.enter(patient);
    first.release();
    (await next).release();
    await assert.rejects(queue.enter({ ...patient, signal: controller.signal }), { code: 'CANCELLED' });
  });

  test('refuses at the door what cannot be served in time, tells when to come again, and never when nobody works', async () => {
    const clock = fakeClock();
    const queue = createAdmissionQueue('m', { concurrency: 1, limit: 9, clock });
    const first = await queue.enter(patient);
    clock.advance(20);
    first.release();
    // Nobody works: 5 ms will hardly do, but whoever comes brings the estimate up to date.
    const hurried = await queue.enter({ ...patient, deadlineMs: clock.nowMs() + 5 });
    const waiting = [queue.enter(patient), queue.enter(patient)];
    await assert.rejects(queue.enter({ ...patient, deadlineMs: clock.nowMs() + 70 }), {
      code: 'DEADLINE_EXCEEDED',
      message: 'cannot run m: 70 ms are left, and 2 waiting requests make it 80 ms',
      detail: { retryAfterMs: '10' },
    });
    await assert.rejects(queue.enter({ ...patient, timeoutMs: 50 }), { code: 'DEADLINE_EXCEEDED' });
    const willing = queue.enter({ ...patient, timeoutMs: 70 });
    clock.advance(71);
    hurried.release();
    for (const ticket of waiting) (await ticket).release();
    await assert.rejects(willing, { message: 'cannot run m: its turn did not come within 70 ms' });
  });

  test('a full queue gives up the place of the client that has the most for another one', async () => {
    const clock = fakeClock();
    const queue = createAdmissionQueue('m', { concurrency: 1, limit: 4, clock });
    const first = await queue.enter(patient);
    clock.advance(10);
    first.release();
    const working = await queue.enter(patient);
    const hog = [queue.enter(patient), queue.enter(patient), queue.enter(patient), queue.enter(patient)];
    const outcomes = Promise.allSettled(hog);
    await assert.rejects(queue.enter(patient), { code: 'RESOURCE_EXHAUSTED', detail: { retryAfterMs: '50' } });
    const other = queue.enter({ ...patient, client: 'b' });
    working.release();
    const order: string[] = [];
    await Promise.all([
      ...hog.map(async (ticket) => {
        const won = await ticket.catch(() => undefined);
        if (won !== undefined) order.push('a');
        won?.release();
      }),
      other.then((won) => {
        order.push('b');
        won.release();
      }),
    ]);
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(order, ['a', 'b', 'a', 'a']);
    assert.equal(queue.waiting, 0);
  });
});

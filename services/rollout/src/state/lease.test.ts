import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { takeLease } from './lease.js';
import type { DurableStores } from './stores.js';
import { storeKinds } from './stores-for-tests.js';

const leaseMs = 1_000;

for (const [kind, open] of storeKinds) {
  /** Two candidates over one store, and a clock that both look at. */
  const setUp = (t: TestContext) => {
    const { stores } = open(t);
    const time = { nowMs: 1_000_000 };
    const clock = { nowMs: () => time.nowMs };
    const candidate = (holder: string) => takeLease(stores, { holder, leaseMs, clock });
    return { stores, time, candidate };
  };
  const say = ({ events, transaction }: DurableStores, what: string): void =>
    transaction(() => events.append({ timeMs: 1, actor: what, kind: 'k', rollout: '', nodeId: '', message: '' }));

  test(`${kind}: takeLease: one leads, another only after the lease has run out, each with a higher epoch`, (t) => {
    const { stores, time, candidate } = setUp(t);
    const a = candidate('a');
    assert.ok(a);
    assert.equal(candidate('b'), undefined);
    time.nowMs += leaseMs - 1;
    assert.equal(candidate('b'), undefined);
    a.renew();
    time.nowMs += leaseMs - 1;
    assert.deepEqual([candidate('b'), a.leads()], [undefined, true]);
    time.nowMs += 1;
    assert.equal(a.leads(), false);
    assert.ok(candidate('b'));
    assert.deepEqual(stores.lease.get(), { holder: 'b', epoch: 2n, expiresMs: time.nowMs + leaseMs });
  });

  test(`${kind}: a leader that was replaced writes nothing, renews nothing and releases nothing, for ever`, (t) => {
    const { stores, time, candidate } = setUp(t);
    const a = candidate('a');
    assert.ok(a);
    say(a, 'a');
    time.nowMs += leaseMs;
    const b = candidate('b');
    assert.ok(b);
    const refused = { code: 'UNAVAILABLE', message: /controller b leads now/ };
    for (const attempt of [() => say(a, 'late'), () => a.renew(), () => a.release()]) assert.throws(attempt, refused);
    time.nowMs += leaseMs;
    assert.throws(() => say(a, 'later'), refused);
    say(b, 'b');
    assert.equal(a.leads(), false);
    assert.deepEqual(
      stores.events.list(0n, 9).map(({ actor }) => actor),
      ['a', 'b'],
    );
  });

  test(`${kind}: a lease that ran out and that nobody took is renewed by the next write`, (t) => {
    const { time, candidate } = setUp(t);
    const a = candidate('a');
    assert.ok(a);
    time.nowMs += 5 * leaseMs;
    assert.equal(a.leads(), false);
    say(a, 'a');
    assert.equal(a.leads(), true);
    assert.equal(candidate('b'), undefined);
  });

  test(`${kind}: release lets the next lead at once; the same holder may take its own lease again`, (t) => {
    const { candidate } = setUp(t);
    const first = candidate('a');
    assert.ok(first);
    const again = candidate('a');
    assert.ok(again);
    assert.throws(() => say(first, 'old epoch'), { code: 'UNAVAILABLE' });
    again.release();
    const b = candidate('b');
    assert.ok(b);
    say(b, 'b');
    assert.throws(() => say(again, 'late'), { code: 'UNAVAILABLE' });
  });
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failedRequest, requestThatTook } from './stats/requests-for-tests.js';
import { createStats, statsBetween } from './stats.js';

describe('createStats()', () => {
  test('quantiles are within 5 % of the true ones, from microseconds to minutes', () => {
    for (const unitMs of [0.02, 1, 60_000]) {
      const stats = createStats();
      for (let i = 1; i <= 1_000; i++) stats.record(requestThatTook((unitMs * i) / 1_000));
      const { p50Ms, p99Ms, requests } = stats.snapshot();
      assert.equal(requests, 1_000);
      assert.ok(p50Ms >= 0.5 * unitMs && p50Ms <= 0.525 * unitMs * 1.001, `${p50Ms} at ${unitMs}`);
      assert.ok(p99Ms >= 0.99 * unitMs && p99Ms <= 1.04 * unitMs, `${p99Ms} at ${unitMs}`);
    }
  });

  test('failed requests count as requests and not in the latency; nothing gives zeros', () => {
    const stats = createStats();
    assert.deepEqual([stats.snapshot().requests, stats.snapshot().p99Ms], [0, 0]);
    stats.record(failedRequest);
    stats.crashed();
    const { requests, errors, crashes, p50Ms } = stats.snapshot();
    assert.deepEqual([requests, errors, crashes, p50Ms], [1, 1, 1, 0]);
  });

  test('what callers or a full queue ended speaks neither for nor against the version', () => {
    const stats = createStats();
    for (const outcome of ['invalid', 'deadline', 'cancelled', 'rejected'] as const) {
      stats.record({ ...failedRequest, outcome });
    }
    assert.equal(stats.snapshot().requests, 0);
    stats.record({ ...failedRequest, outcome: 'unavailable' });
    assert.deepEqual([stats.snapshot().requests, stats.snapshot().errors], [1, 1]);
  });

  test('the latency leaves the queue out', () => {
    const stats = createStats();
    stats.record({ ...requestThatTook(2), queueMs: 100, inputMs: 1, outputMs: 1 });
    assert.ok(stats.snapshot().p50Ms < 4.3, String(stats.snapshot().p50Ms));
  });

  test('shadow runs are counted with those that disagree', () => {
    const stats = createStats();
    for (const agrees of [true, false, true]) stats.compared(agrees);
    assert.deepEqual([stats.snapshot().compared, stats.snapshot().disagreed], [3, 1]);
  });

  test('a latency beyond all buckets is kept in the last one', () => {
    const stats = createStats();
    stats.record(requestThatTook(1e9));
    stats.record(requestThatTook(0));
    assert.equal(stats.snapshot().requests, 2);
  });
});

describe('statsBetween()', () => {
  test('gives the numbers of the span alone', () => {
    const stats = createStats();
    for (let i = 0; i < 100; i++) stats.record(requestThatTook(1));
    const earlier = stats.snapshot();
    for (let i = 0; i < 10; i++) stats.record(requestThatTook(50));
    stats.record(failedRequest);
    const span = statsBetween(earlier, stats.snapshot());
    assert.deepEqual([span.requests, span.errors], [11, 1]);
    assert.ok(span.p50Ms > 48 && span.p50Ms < 53, String(span.p50Ms));
  });
});

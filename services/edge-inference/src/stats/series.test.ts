import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStats } from '../stats.js';
import { bucketEdgesMs, createDurations } from './durations.js';
import { createRefusals } from './refusals.js';
import { failedRequest, requestThatTook } from './requests-for-tests.js';
import { createSeries } from './series.js';

describe('createDurations()', () => {
  test('a duration falls into the first bucket whose edge it does not exceed, the longest behind all edges', () => {
    for (const [index, edge] of bucketEdgesMs.entries()) {
      const durations = createDurations();
      durations.add(edge);
      durations.add(edge * 1.001);
      assert.deepEqual([durations.counts[index], durations.counts[index + 1]], [1, 1], String(edge));
    }
  });

  test('sums what it counts; a clock that went back counts as nothing', () => {
    const durations = createDurations();
    for (const ms of [1, 2.5, -3, Number.NaN]) durations.add(ms);
    assert.deepEqual([durations.count, durations.sumMs, durations.counts[0]], [4, 3.5, 2]);
  });
});

describe('createSeries()', () => {
  test('requests are told apart by outcome, backend and device, in the order in which kinds came up', () => {
    const series = createSeries();
    const onTpu = { ...requestThatTook(2), backend: 'edgetpu', device: 'usb:0' };
    for (const request of [requestThatTook(1), onTpu, failedRequest, requestThatTook(3), onTpu]) series.record(request);
    assert.deepEqual(
      series.all.map(({ backend, device, outcome, request }) => [backend, device, outcome, request.count]),
      [
        ['native-litert', 'cpu', 'ok', 2],
        ['edgetpu', 'usb:0', 'ok', 2],
        ['native-litert', 'cpu', 'error', 1],
      ],
    );
  });

  test('the request is the sum of its stages', () => {
    const series = createSeries();
    series.record({ ...requestThatTook(4), queueMs: 1, inputMs: 2, outputMs: 8 });
    const [only] = series.all;
    assert.equal(only?.request.sumMs, 15);
    assert.deepEqual(
      Object.values(only?.stages ?? {}).map(({ sumMs }) => sumMs),
      [1, 2, 4, 8],
    );
  });
});

describe('createStats().totals()', () => {
  test('stages are those of successes, failures of every kind are one number, the last end is kept', () => {
    const stats = createStats();
    stats.record({ ...requestThatTook(4), queueMs: 1 });
    stats.record({ ...requestThatTook(6), queueMs: 2, backend: 'wasm' });
    stats.record({ ...failedRequest, queueMs: 50, outcome: 'deadline', endedAtMs: 77 });
    const { success, fail, queue, infer, lastInferenceMs } = stats.totals();
    assert.deepEqual(
      [success, fail],
      [
        { count: 2, sumMs: 13 },
        { count: 1, sumMs: 50 },
      ],
    );
    assert.deepEqual([queue, infer, lastInferenceMs], [{ count: 2, sumMs: 3 }, { count: 2, sumMs: 10 }, 77]);
  });
});

describe('createRefusals()', () => {
  test('only outcomes that came up are told', () => {
    const refusals = createRefusals();
    for (const outcome of ['rejected', 'deadline', 'rejected'] as const) refusals.refused(outcome);
    assert.deepEqual(refusals.snapshot(), [
      { outcome: 'deadline', count: 1 },
      { outcome: 'rejected', count: 2 },
    ]);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VersionStats } from '../stats.js';
import type { TrialPolicy, TrialSample } from './judge.js';
import { emptyTrial, judgeTrial } from './judge.js';

const policy: TrialPolicy = {
  durationMs: 10_000,
  windowMs: 1_000,
  minSamples: 20,
  maxErrorRate: 0.1,
  maxLatencyRatio: 2,
  maxDisagreement: 0.25,
};

function stats(change: Partial<VersionStats> = {}): VersionStats {
  const none = { requests: 0, errors: 0, crashes: 0, compared: 0, disagreed: 0, p50Ms: 0, p99Ms: 0 };
  return { ...none, buckets: new Float64Array(0), ...change };
}

interface Case {
  readonly why: string;
  readonly elapsedMs?: number;
  readonly total?: Partial<VersionStats>;
  readonly recent?: Partial<VersionStats>;
  readonly reference?: Partial<VersionStats>;
  /** Default true. */
  readonly sameSpan?: boolean;
  readonly slowSinceMs?: number;
  readonly change?: Partial<TrialPolicy>;
  /** "wait", "pass", or the code and a part of the words of a failure. */
  readonly says: string;
}

const usual = { requests: 100, p99Ms: 10 };
const slow = { requests: 100, p99Ms: 40 };

const table: readonly Case[] = [
  { why: 'nothing has happened', says: 'wait' },
  { why: 'the time is over', elapsedMs: 10_000, says: 'pass' },
  { why: 'one crash is enough', total: { crashes: 1 }, says: 'CRASHED its runtime process ended 1 times' },
  { why: 'few errors among enough', recent: { requests: 100, errors: 10 }, says: 'wait' },
  {
    why: 'too many errors lately',
    recent: { requests: 100, errors: 11 },
    says: 'ERRORS 11 of 100 requests failed, 10 % may',
  },
  {
    why: 'too many errors in all',
    recent: { requests: 5, errors: 1 },
    total: { requests: 50, errors: 9 },
    says: 'ERRORS 9 of 50 requests failed, 10 % may',
  },
  { why: 'too few samples for a rate', recent: { requests: 19, errors: 19 }, says: 'wait' },
  { why: 'a shadow that agrees enough', recent: { compared: 20, disagreed: 5 }, says: 'wait' },
  {
    why: 'a shadow that disagrees',
    recent: { compared: 20, disagreed: 6 },
    says: 'DISAGREES 6 of 20 answers differ, 25 % may',
  },
  { why: 'too few comparisons', recent: { compared: 19, disagreed: 19 }, says: 'wait' },
  { why: 'slow, but not for long', elapsedMs: 5_000, recent: slow, reference: usual, slowSinceMs: 4_500, says: 'wait' },
  {
    why: 'slow for longer than the span',
    elapsedMs: 5_000,
    recent: slow,
    reference: usual,
    slowSinceMs: 4_000,
    says: 'TOO_SLOW p99 of 40.0 ms, 4.0 times the 10.0 ms of the other version, 2 times may be',
  },
  {
    why: 'slow at the end of its time',
    elapsedMs: 10_000,
    recent: slow,
    reference: usual,
    slowSinceMs: 9_500,
    says: 'wait',
  },
  {
    why: 'slow, so that few come through in a span',
    elapsedMs: 5_000,
    total: slow,
    recent: { requests: 2, p99Ms: 40 },
    reference: usual,
    slowSinceMs: 4_000,
    says: 'TOO_SLOW p99 of 40.0 ms, 4.0 times the 10.0 ms of the other version, 2 times may be',
  },
  {
    why: 'slow, but few in all',
    elapsedMs: 5_000,
    recent: { requests: 19, p99Ms: 40 },
    reference: usual,
    slowSinceMs: 4_000,
    says: 'wait',
  },
  {
    why: 'its tail is slower than that of a span before, its median is not',
    elapsedMs: 5_000,
    recent: { ...slow, p50Ms: 8 },
    reference: { ...usual, p50Ms: 4 },
    sameSpan: false,
    slowSinceMs: 4_000,
    says: 'wait',
  },
  {
    why: 'its tail and its median are slower than those of a span before',
    elapsedMs: 5_000,
    recent: { ...slow, p50Ms: 9 },
    reference: { ...usual, p50Ms: 4 },
    sameSpan: false,
    slowSinceMs: 4_000,
    says: 'TOO_SLOW p99 of 40.0 ms, 4.0 times the 10.0 ms of the other version, 2 times may be',
  },
  { why: 'slow beside nothing', elapsedMs: 9_000, recent: slow, slowSinceMs: 0, says: 'wait' },
  {
    why: 'slow beside too few',
    elapsedMs: 9_000,
    recent: slow,
    reference: { requests: 19, p99Ms: 10 },
    slowSinceMs: 0,
    says: 'wait',
  },
  {
    why: 'a ratio of tiny numbers',
    elapsedMs: 9_000,
    recent: { requests: 100, p99Ms: 5 },
    reference: { requests: 100, p99Ms: 0.5 },
    slowSinceMs: 0,
    says: 'wait',
  },
  {
    why: 'slowness is not judged',
    elapsedMs: 9_000,
    recent: slow,
    reference: usual,
    slowSinceMs: 0,
    change: { maxLatencyRatio: 0 },
    says: 'wait',
  },
];

describe('judgeTrial()', () => {
  for (const { why, elapsedMs = 500, total, recent, reference, sameSpan = true, slowSinceMs, change, says } of table) {
    test(`${why}: ${says}`, () => {
      const sample: TrialSample = {
        elapsedMs,
        total: stats(total ?? recent),
        recent: stats(recent),
        reference: reference && stats(reference),
        sameSpan,
      };
      const { verdict } = judgeTrial({ slowSinceMs }, sample, { ...policy, ...change });
      const words = verdict.kind === 'fail' ? `${verdict.reason.code} ${verdict.reason.message}` : verdict.kind;
      assert.equal(words, says);
    });
  }

  test('remembers since when it is slow, through a span without requests, and forgets once it is fast', () => {
    const sample = (elapsedMs: number, recent: Partial<VersionStats>): TrialSample => ({
      elapsedMs,
      total: stats(recent),
      recent: stats(recent),
      reference: stats(usual),
      sameSpan: true,
    });
    const first = judgeTrial(emptyTrial, sample(100, slow), policy).memory;
    assert.deepEqual(first, { slowSinceMs: 100 });
    const idle = judgeTrial(first, sample(400, {}), policy).memory;
    assert.deepEqual(idle, { slowSinceMs: 100 });
    assert.deepEqual(judgeTrial(idle, sample(700, usual), policy).memory, emptyTrial);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreementOf, pairedDifference, photoVerdict, verdictOf } from './agreement.js';

test('photoVerdict() of a classifier compares the first of the best classes', () => {
  const float = Float32Array.of(0.1, 0.7, 0.2);
  const cases: readonly [name: string, int8: number[], agree: number, right: number, ties: number, max: number][] = [
    ['the same', [0.1, 0.7, 0.2], 1, 1, 0, 0],
    ['another class', [0.1, 0.4, 0.5], 0, 0, 0, 0.3],
    ['a tie that the true class wins, being first', [0, 0.5, 0.5], 1, 1, 1, 0.3],
    ['a tie that the true class loses, being second', [0.5, 0.5, 0], 0, 0, 1, 0.4],
    ['a tie below the best is none', [0.2, 0.6, 0.2], 1, 1, 0, 0.1],
  ];
  for (const [name, int8, agree, right, ties, max] of cases) {
    const verdict = photoVerdict(float, Float32Array.from(int8), 3, () => 1);
    assert.deepEqual([verdict.agree, verdict.right, verdict.floatRight, verdict.ties], [agree, right, 1, ties], name);
    assert.ok(Math.abs(verdict.maxAbsError - max) < 1e-6, name);
  }
});

test('photoVerdict() of a segmenter gives shares of its pixels', () => {
  const float = Float32Array.of(0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.4, 0.6);
  const int8 = Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.5, 0.5);
  const verdict = photoVerdict(float, int8, 2, (pixel) => (pixel < 2 ? 0 : 1));
  assert.deepEqual([verdict.agree, verdict.right, verdict.floatRight, verdict.ties], [0.5, 0.5, 1, 0.25]);
  assert.ok(Math.abs(verdict.absError - (0.6 + 0.6 + 0.1 + 0.1) / 8) < 1e-6);
});

test('agreementOf() gives means over photos and the binomial margin for a classifier', () => {
  const verdict = { right: 1, floatRight: 0, ties: 0, absError: 0.25 };
  const verdicts = Array.from({ length: 100 }, (_, i) => ({
    ...verdict,
    agree: i < 90 ? 1 : 0,
    maxAbsError: i / 100,
  }));
  const { agreementMargin, ...rest } = agreementOf(verdicts);
  assert.deepEqual(rest, {
    photos: 100,
    agreement: 0.9,
    accuracy: 1,
    floatAccuracy: 0,
    ties: 0,
    meanAbsError: 0.25,
    maxAbsError: 0.99,
  });
  assert.ok(Math.abs(agreementMargin - 1.96 * Math.sqrt((0.9 * 0.1) / 100)) < 1e-12);
});

test('pairedDifference() is narrow where the models err on the same photos, whatever their own spread', () => {
  const a = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 0));
  const b = a.map((value, i) => (i < 8 ? 0 : value));
  const { mean, low, high } = pairedDifference(a, b);
  assert.equal(mean, 0.01);
  assert.ok(low > 0 && low < 0.01 && high > 0.01 && high < 0.025, `${low} ${high}`);
  assert.deepEqual(pairedDifference(a, b), { mean, low, high });
  assert.deepEqual(pairedDifference(a, a), { mean: 0, low: 0, high: 0 });
});

test('verdictOf() is a verdict only where the whole interval lies on one side', () => {
  const cases: readonly [low: number, high: number, more: 'better' | 'worse', verdict: string][] = [
    [0.001, 0.002, 'better', 'better'],
    [0.001, 0.002, 'worse', 'worse'],
    [-0.002, -0.001, 'better', 'worse'],
    [-0.002, -0.001, 'worse', 'better'],
    [-0.001, 0.002, 'better', 'within noise'],
    [0, 0.002, 'better', 'within noise'],
  ];
  for (const [low, high, more, verdict] of cases) {
    assert.equal(verdictOf({ mean: (low + high) / 2, low, high }, more), verdict, `[${low}, ${high}] ${more}`);
  }
});

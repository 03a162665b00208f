import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterStep, reportIfDue, startEpoch } from './progress.js';

test('reportIfDue() is silent within a second and then tells rate, running means and what is left', () => {
  let meter = startEpoch(2, 3, 10, 5_000);
  meter = afterStep(meter, { loss: 2, correct: 8 }, 32);
  assert.equal(reportIfDue(meter, 5_999).report, null);
  meter = afterStep(meter, { loss: 1, correct: 24 }, 32);
  const { meter: after, report } = reportIfDue(meter, 7_000);
  assert.deepEqual(report, {
    kind: 'progress',
    epoch: 2,
    epochs: 3,
    step: 2,
    steps: 10,
    imagesPerSecond: 32,
    loss: 1.5,
    accuracy: 0.5,
    etaSeconds: 18,
  });
  assert.equal(reportIfDue(after, 7_500).report, null);
  const next = reportIfDue(afterStep(after, { loss: 1, correct: 0 }, 16), 8_000).report;
  assert.equal(next?.imagesPerSecond, 16);
});

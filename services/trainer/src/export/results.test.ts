import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawSvg } from '@atoll/charts/draw';
import { confusionChart, historyChart } from './charts.js';
import { confusionOf } from './confusion.js';
import { predictionsOf } from './predictions.js';

const classes = ['cat', 'dog'];
const photo = (path: string, label: number) => ({ path, label, sha256: path, sizeBytes: 1 });
const photos = [photo('cat/1.png', 0), photo('cat/2.png', 0), photo('dog/1.png', 1)];
const rows = [Float32Array.of(0.75, 0.25), Float32Array.of(0.25, 0.75), Float32Array.of(0.5, 0.5)];

describe('confusionOf()', () => {
  const confusion = confusionOf('test', classes, photos, rows);

  test('counts truth by prediction, lowest index on ties', () => {
    assert.deepEqual(confusion.counts, [
      [1, 1],
      [1, 0],
    ]);
    assert.deepEqual([confusion.accuracy, confusion.images], [1 / 3, 3]);
  });

  test('gives precision and recall per class, null where nothing is there', () => {
    assert.deepEqual(confusion.perClass, [
      { class: 'cat', images: 2, precision: 0.5, recall: 0.5 },
      { class: 'dog', images: 1, precision: 0, recall: 0 },
    ]);
    const none = confusionOf('test', classes, photos.slice(0, 1), rows.slice(0, 1)).perClass[1];
    assert.deepEqual([none?.precision, none?.recall], [null, null]);
  });

  test('is drawn with every class and count', async () => {
    const svg = await drawSvg(confusionChart(confusion));
    for (const text of ['cat', 'dog', 'test: 33.3 % right']) assert.ok(svg.includes(`>${text}<`), text);
  });
});

test('predictionsOf() names class, score and truth, null where it is unknown', () => {
  const flat = { ...photo('x.png', 0), label: null };
  assert.deepEqual(predictionsOf(classes, [photos[1] ?? flat, flat], rows.slice(1)), [
    { file: 'cat/2.png', truth: 'cat', class: 'dog', score: 0.75, scores: [0.25, 0.75] },
    { file: 'x.png', truth: null, class: 'cat', score: 0.5, scores: [0.5, 0.5] },
  ]);
});

test('historyChart() is drawn with accuracy and loss of both sides', async () => {
  const epoch = { loss: 1, accuracy: 0.5, valLoss: 1.2, valAccuracy: 0.4, seconds: 1, imagesPerSecond: 10 };
  const svg = await drawSvg(
    historyChart([
      { epoch: 1, ...epoch },
      { epoch: 2, ...epoch, loss: 0.8, accuracy: 0.6 },
    ]),
  );
  assert.ok(svg.startsWith('<svg'));
  for (const text of ['Accuracy', 'Loss', 'training', 'validation']) assert.ok(svg.includes(`>${text}<`), text);
});

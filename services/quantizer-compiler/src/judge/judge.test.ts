import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedParams } from '../quantize/params.js';
import { OutputsError } from '../tune/outputs-error.js';
import { Comparison } from './comparison.js';
import { TensorErrors } from './tensor-errors.js';
import { photoWarnings } from './warnings.js';

describe('TensorErrors', () => {
  it('gives the power of the signal over that of the error, and the share beyond the range', () => {
    const errors = new TensorErrors();
    errors.add(Float32Array.of(1, -1, 2, 20), Float32Array.of(1.1, -1.1, 2, 12.7), fixedParams(0.1, 0));
    const power = 10 * Math.log10((1 + 1 + 4 + 400) / (0.01 + 0.01 + 7.3 ** 2));
    const { sqnrDb, clipped } = errors.result();
    assert.ok(Math.abs(sqnrDb - power) < 0.01, `${sqnrDb} for ${power}`);
    assert.equal(clipped, 0.25);
  });

  it('has an end where there is no error', () => {
    const errors = new TensorErrors();
    errors.add(Float32Array.of(1), Float32Array.of(1), fixedParams(1, 0));
    assert.deepEqual(errors.result(), { sqnrDb: 200, clipped: 0 });
  });
});

describe('OutputsError', () => {
  const outputs = [{ name: 'y', channels: 2, logits: true }];
  it('is 0 for the same outputs and grows with their distance', () => {
    const errors = [0, 0.1, 0.2].map((shift) => {
      const error = new OutputsError(outputs);
      error.add([Float32Array.of(1, -1)], [Float32Array.of(1 + shift, -1)]);
      return error.value();
    });
    assert.equal(errors[0], 0);
    assert.ok((errors[1] ?? 0) > 0 && (errors[2] ?? 0) > (errors[1] ?? 0), errors.join());
  });
});

it('OutputsError sees no difference of logits that the softmax takes out', () => {
  const error = new OutputsError([{ name: 'y', channels: 2, logits: true }]);
  error.add([Float32Array.of(1, -1)], [Float32Array.of(3, 1)]);
  assert.ok(error.value() > 1 && error.seen() < 1e-6, `${error.value()} ${error.seen()}`);
});

describe('Comparison', () => {
  it('counts by class, names the worst photo, and knows no class of a segmentation', () => {
    const comparison = new Comparison(['cat', 'dog']);
    comparison.add(
      '1.png',
      [{ float: Float32Array.of(0.9, 0.1), int8: Float32Array.of(0.875, 0.125), channels: 2 }],
      0,
    );
    comparison.add(
      '2.png',
      [{ float: Float32Array.of(0.6, 0.4), int8: Float32Array.of(0.375, 0.625), channels: 2 }],
      0,
    );
    const { perClass, worst, errorHistogram } = comparison.details();
    assert.deepEqual(perClass, [{ label: 'cat', images: 2, floatRight: 2, int8Right: 1, agree: 1 }]);
    assert.deepEqual([worst[0]?.photo, worst[0]?.float, worst[0]?.int8], ['2.png', 'cat', 'dog']);
    assert.equal(
      errorHistogram?.counts.reduce((a, b) => a + b, 0),
      4,
    );
    const pixels = new Comparison([]);
    pixels.add('3.png', [{ float: Float32Array.of(1, 0, 0, 1), int8: Float32Array.of(1, 0, 1, 0), channels: 2 }], 0);
    assert.deepEqual([pixels.agreement.figures().images, pixels.agreement.figures().agreement], [1, 0.5]);
    assert.deepEqual(pixels.details().perClass, []);
  });

  it('judges every output, and tells classes by the first', () => {
    const comparison = new Comparison(['cat', 'dog']);
    const scores = { float: Float32Array.of(0.9, 0.1), int8: Float32Array.of(0.9, 0.1), channels: 2 };
    const box = { float: Float32Array.of(0, 1, 0), int8: Float32Array.of(0.5, 0.25, 0), channels: 3 };
    comparison.add('1.png', [scores, box], 0);
    const { images, agreement, maxAbsError } = comparison.agreement.figures();
    assert.deepEqual([images, agreement, maxAbsError], [1, 0.5, 0.75]);
    assert.deepEqual(comparison.details().perClass, [
      { label: 'cat', images: 1, floatRight: 1, int8Right: 1, agree: 1 },
    ]);
  });
});

describe('photoWarnings', () => {
  const good = {
    images: 100,
    halves: new Map([
      [
        'a',
        [
          { min: 0, max: 1 },
          { min: 0, max: 0.9 },
        ],
      ],
    ]),
    logits: new Map([['l', Array.from({ length: 30 }, (_, row) => Float32Array.of(row % 2, 0.5))]]),
    ranges: new Map([['x', { min: 0, max: 1 }]]),
  };
  const cases: readonly (readonly [string, Partial<typeof good>, RegExp | null])[] = [
    ['nothing of good photos', {}, null],
    ['few photos', { images: 12 }, /only 12 photos/],
    [
      'halves that differ',
      {
        halves: new Map([
          [
            'a',
            [
              { min: 0, max: 1 },
              { min: 0, max: 0.5 },
            ],
          ],
        ]),
      },
      /more than 20 % in 1 tensors, most in a \(50 %\)/,
    ],
    ['photos of one colour', { ranges: new Map([['x', { min: 0.5, max: 0.5 }]]) }, /one colour only/],
    [
      'one class for all',
      { logits: new Map([['l', Array.from({ length: 30 }, () => Float32Array.of(0, 1))]]) },
      /one class to 100 % of the photos/,
    ],
    [
      'scores that are all but 1',
      { logits: new Map([['l', Array.from({ length: 30 }, (_, row) => Float32Array.of(20 * (row % 2), 10))]]) },
      /surer than 0.999 of 100 % of the photos \(l\)/,
    ],
    [
      'nothing of scores that are sure for half of the photos',
      {
        logits: new Map([
          ['l', Array.from({ length: 30 }, (_, row) => Float32Array.of(row % 2, row % 4 < 2 ? 20 : 0.5))],
        ]),
      },
      null,
    ],
  ];
  for (const [name, change, message] of cases) {
    it(`tells ${name}`, () => {
      const warnings = photoWarnings({ ...good, ...change }, ['x']);
      if (message === null) assert.deepEqual(warnings, []);
      else assert.match(warnings.join('\n'), message);
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeQuantization, type QuantizeReport } from './quantize-report.js';

const report: QuantizeReport = {
  file: 'parts.tflite',
  sizeBytes: 100_000,
  floatSizeBytes: 390_000,
  seconds: 2,
  mode: 'full-integer',
  input: { name: 'image', type: 'uint8', shape: [1, 32, 32, 3], scale: Math.fround(1 / 255), zeroPoint: 0 },
  output: { name: 'scores', type: 'int8', shape: [1, 6], scale: 1 / 256, zeroPoint: -128 },
  eval: { images: 60, floatTop1: 0.9, int8Top1: 0.88, agreement: 0.983, meanAbsError: 0.0021, maxAbsError: 0.1 },
  costliest: { name: 'dense', sqnrDb: 17.44 },
  edgeTpu: { onEdgeTpu: 9, onCpu: 1 },
  warnings: [],
};

test('describeQuantization names sizes, agreement, the costliest layer and how to feed and read the model', () => {
  assert.equal(
    describeQuantization(report, 'rep'),
    [
      'parts.tflite',
      '  float      390,000 bytes',
      '  int8       100,000 bytes, 3.90 times smaller',
      '  agreement  98.3 % on 60 photos; mean error of a score 0.0021; right 88.0 %, float 90.0 %',
      '  costliest  dense: 17.4 dB of signal over error',
      '  Edge TPU   9 ops on it by plan, 1 on the CPU',
      '  feed       uint8 [1, 32, 32, 3], real = 0.003921569 * q',
      '  read       int8 [1, 6], real = 0.00390625 * (q + 128)',
      '  report     rep/report.html',
    ].join('\n'),
  );
});

test('describeQuantization says no more than is known of a float16 model', () => {
  const float = { name: 'x', type: 'float32', shape: [1, 2], scale: null, zeroPoint: null };
  const { eval: _, costliest: __, ...rest } = report;
  assert.equal(
    describeQuantization({ ...rest, mode: 'float16', input: float, output: float }),
    [
      'parts.tflite',
      '  float    390,000 bytes',
      '  float16  100,000 bytes, 3.90 times smaller',
      '  feed     float32 [1, 2]',
      '  read     float32 [1, 2]',
    ].join('\n'),
  );
});

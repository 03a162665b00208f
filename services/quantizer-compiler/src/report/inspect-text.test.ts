import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InspectReport } from './inspect.js';
import { inspectText } from './inspect-text.js';

const report: InspectReport = {
  kind: 'int8',
  sizeBytes: 1234,
  inputs: [{ name: 'image', type: 'uint8', shape: [1, 8, 8, 3], scale: 0.5, zeroPoint: 7 }],
  outputs: [{ name: 'scores', type: 'float32', shape: [1, 2], scale: null, zeroPoint: null }],
  ops: [
    { op: 'CONV_2D', version: 3, count: 2 },
    { op: 'SOFTMAX', version: 2, count: 1 },
  ],
  parameters: 1000,
  metadata: { description: '', minRuntimeVersion: '1.14.0', name: null, entries: [] },
  labels: Array.from({ length: 9 }, (_, index) => `class${index}`),
};

test('inspectText says first what the file is, what goes in and what comes out', () => {
  assert.equal(
    inspectText(report, 'm.tflite', 'graph\n'),
    `m.tflite
  kind     int8: full-integer: weights and activations are int8
  size     1,234 bytes, 1,000 parameters
  input    image uint8 [1, 8, 8, 3], real = 0.5 * (q - 7)
  output   scores float32 [1, 2]
  ops      3: CONV_2D v3 x 2, SOFTMAX v2
  labels   9: class0, class1, class2, class3, class4, class5, class6, class7, ...
  runtime  TFLite 1.14.0 or newer

graph
`,
  );
});

test('inspectText says what a compiled file needs and leaves to the CPU', () => {
  const cpuOps = [{ op: 'SOFTMAX', tensor: 'scores' }];
  const edgeTpu = { minRuntimeVersion: 13, packages: [], onChipBytes: 5000, offChipBytes: 0, cpuOps, problems: [] };
  assert.match(
    inspectText({ ...report, kind: 'edgetpu', edgeTpu }, 'm.tflite', ''),
    /Edge TPU {2}runtime 13 or newer, 0 compiled parts; 5,000 bytes of parameters on the chip, 0 off it; left to the CPU: SOFTMAX/,
  );
});

test('inspectText tells at the top why a runtime would refuse a compiled file', () => {
  const problems = ['it needs runtime 99, and 14 is the newest'];
  const edgeTpu = { minRuntimeVersion: 99, packages: [], onChipBytes: 0, offChipBytes: 0, cpuOps: [], problems };
  const text = inspectText({ ...report, kind: 'edgetpu', edgeTpu }, 'm.tflite', '');
  assert.match(text, /^ {2}problem {3}it needs runtime 99, and 14 is the newest$/m);
});

test('inspectText shows no control character of a hostile name', () => {
  const hostile = '\u001b[2J\u009b31m\u202e\r\nfake line';
  const [input] = report.inputs;
  const inputs = [{ ...input, name: hostile, type: 'uint8', shape: [1], scale: null, zeroPoint: null }];
  const text = inspectText({ ...report, inputs, labels: [hostile] }, hostile, `%0 ${hostile}`);
  assert.ok(!/[^\P{Cc}\n]|\u202e/u.test(text), JSON.stringify(text));
  assert.ok(!text.split('\n').slice(0, 8).includes('fake line'));
});

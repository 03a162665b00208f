import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCompilation, type CompileReport } from './compile-report.js';

const status = 'Operation not supported';
const plan: CompileReport = {
  compiled: false,
  compiler: null,
  files: ['plan.json'],
  ops: [
    { op: 'CONV_2D', count: 12, status: 'Mapped to Edge TPU' },
    { op: 'LEAKY_RELU', count: 1, status },
  ],
  onEdgeTpu: 12,
  onCpu: 1,
  subgraphs: 1,
  onChipBytes: 5000,
  offChipBytes: 0,
  warnings: [],
  models: [
    {
      model: 'm.tflite',
      parameterBytes: { low: 4500, high: 5500 },
      partition: { index: 1, op: 'LEAKY_RELU', tensor: 'a\nb', lostOps: 3 },
      advice: [
        { gain: 4, text: 'LEAKY_RELU x: in its place: RELU' },
        { gain: 0, text: 'nothing gained' },
      ],
      plan: [
        { status: 'Mapped to Edge TPU', verdict: 'uncertain' },
        { status, verdict: 'stays' },
      ],
    },
  ],
};

test('describeCompilation of a plan: table, bounds, where it ends, what it guesses, what would map more', () => {
  assert.equal(
    describeCompilation(plan, 'tpu'),
    `A plan, not a compiled file, is in tpu
Operator    Count  Status
CONV_2D     12     Mapped to Edge TPU
LEAKY_RELU  1      Operation not supported
12 ops on the Edge TPU, 1 on the CPU; parameters: 5,000 bytes on the chip, 0 off it, estimated: between 4,500 and 5,500 in all
the Edge TPU part of the model ends at operator 1, LEAKY_RELU a b (Operation not supported); 3 behind it could map
operators of the model whose place is a guess: 1
to map more of the model:
  +4  LEAKY_RELU x: in its place: RELU`,
  );
});

test('describeCompilation of a compiled model estimates nothing and names the compiler', () => {
  const text = describeCompilation({ ...plan, compiled: true, compiler: '16.0.1' }, 'tpu');
  assert.match(text, /^Compiled by the Edge TPU compiler 16\.0\.1 to tpu\n/);
  assert.doesNotMatch(text, /estimated|guess/);
  assert.match(text, /by the rules the Edge TPU part of the model ends at operator 1/);
});

test('describeCompilation names each of several models', () => {
  const [one] = plan.models;
  assert.ok(one !== undefined);
  const text = describeCompilation({ ...plan, models: [one, { ...one, model: 'n.tflite', partition: null }] }, 'tpu');
  assert.match(text, /part of m\.tflite ends/);
  assert.match(text, /to map more of n\.tflite:/);
  assert.match(text, /between 9,000 and 11,000 in all/);
});

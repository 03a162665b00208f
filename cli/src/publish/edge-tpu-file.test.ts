import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { readModel } from '@atoll/tflite/read';
import { runtimeOf } from './edge-tpu-file.js';

const modelOf = (size: number) => readModel(tinyClassifier({ seed: 1, size, classes: 4, io: 'uint8' }), `size ${size}`);
const model = modelOf(8);
const sound: CompiledEdgeTpu = {
  minRuntimeVersion: 13,
  packages: [],
  onChipBytes: 0,
  offChipBytes: 0,
  cpuOps: [],
  problems: [],
};

test('runtimeOf gives the runtime that a sound build needs', () => {
  assert.equal(runtimeOf({ path: 'm_edgetpu.tflite', model, compiled: sound }, model, 'm.tflite'), 13);
});

const refusals: readonly (readonly [what: string, compiled: CompiledEdgeTpu | null, size: number, said: RegExp])[] = [
  ['a file that is not compiled', null, 8, /m_edgetpu\.tflite for the Edge TPU: nothing in it is compiled/],
  [
    'a file that no runtime loads, by its first problem',
    { ...sound, problems: ['it needs runtime 99, and 14 is the newest', 'b', 'c'] },
    8,
    /refuse it: it needs runtime 99, and 14 is the newest \(and 2 more problems/,
  ],
  ['the build of another model', sound, 16, /inputs are uint8 \[1, 8, 8, 3\].*m\.tflite are uint8 \[1, 16, 16, 3\]/],
];
for (const [what, compiled, cpuSize, said] of refusals) {
  test(`runtimeOf refuses ${what} in one line`, () => {
    assert.throws(
      () => runtimeOf({ path: 'm_edgetpu.tflite', model, compiled }, modelOf(cpuSize), 'm.tflite'),
      (error) => isAtollError(error, 'INVALID_ARGUMENT') && said.test(error.message) && !error.message.includes('\n'),
    );
  });
}

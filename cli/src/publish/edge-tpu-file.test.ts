import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import { cutModel, layeredModel } from '@atoll/runtime/layered-model-for-tests';
import type { LayeredModel } from '@atoll/runtime/layered-model-for-tests';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { runtimeOf, segmentRuntimes } from './edge-tpu-file.js';

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

/** As it is read back: scales are floats of 32 bits. */
const saved = (sketch: LayeredModel): TfLiteModel => readModel(writeModel(layeredModel(sketch)), 'm.tflite');

test('segmentRuntimes takes the parts of one model in order, and refuses one that begins or ends otherwise', () => {
  const whole = saved({ seed: 1, layers: 2, side: 4, channels: 4 });
  const other = saved({ seed: 1, layers: 2, side: 8, channels: 4 });
  const parts = (of: TfLiteModel) =>
    cutModel(of, 1).map((bytes, i) => ({ path: `part ${i}`, model: readModel(bytes, `part ${i}`), compiled: sound }));
  assert.deepEqual(segmentRuntimes(parts(whole), whole, 'm.tflite'), [13, 13]);
  const mixed = [...parts(whole).slice(0, 1), ...parts(other).slice(1)];
  for (const [files, said] of [
    [parts(other), /part 0 for the Edge TPU: its inputs are int8 \[1, 8, 8, 4\]/],
    [mixed, /part 1 for the Edge TPU: its outputs are int8 \[1, 8, 8, 4\]/],
    [parts(whole).slice(0, 1), /it has 2 to 16 parts, not 1/],
    [parts(whole).map((file) => ({ ...file, compiled: null })), /part 0 for the Edge TPU: nothing in it is compiled/],
  ] as const) {
    assert.throws(() => segmentRuntimes(files, whole, 'm.tflite'), { code: 'INVALID_ARGUMENT', message: said });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModel } from '@atoll/tflite/read';
import { compiledModel } from './compiled-model-for-tests.js';
import { inspectEdgeTpu } from './inspect.js';

test('inspectEdgeTpu reads what a file promises that was made without the compiler', () => {
  const made = { inputs: [{ name: 'image', shape: [1, 4, 4, 3] }], outputs: [{ name: 'scores', shape: [1, 5] }] };
  const { bytes } = compiledModel({ seed: 7, minRuntimeVersion: 13, ...made });
  const compiled = inspectEdgeTpu(readModel(bytes));
  assert.deepEqual([compiled?.minRuntimeVersion, compiled?.problems], [13, []]);
  assert.deepEqual(compiled?.packages[0]?.executables[0]?.outputs[0]?.shape, [1, 1, 5]);
});

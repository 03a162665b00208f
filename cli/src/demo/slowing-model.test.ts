import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { slowingModel } from './slowing-model.js';

const original = tinyClassifier({ seed: 1, size: 8, classes: 4, io: 'uint8' });
const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, index) => (index * 37) % 251);

for (const backend of ['auto', 'wasm'] as const) {
  test(`slowingModel answers as the model that it is made of, before and after it slows (${backend})`, async () => {
    const options = { backend, libraries: cachePaths(process.env) };
    const plain = await openModel(original, options);
    const slowing = await openModel(writeModel(slowingModel(readModel(original), { after: 3, times: 5 })), options);
    const expected = await plain.run([pixels]);
    for (let run = 0; run < 8; run++) assert.deepEqual(await slowing.run([pixels]), expected);
    await plain.close();
    await slowing.close();
  });
}

test('slowingModel puts the network into the loop once more and leaves the main one as it was', () => {
  const before = readModel(original);
  const after = slowingModel(before, { after: 3, times: 5 });
  const names = (graph: number): string[] =>
    (after.subgraphs[graph]?.operators ?? []).map((op) => operatorName(after, op));
  const network = mainSubgraph(before).operators.map((op) => operatorName(before, op));
  assert.deepEqual(names(0).slice(0, network.length), network);
  assert.equal(names(0).at(-1), 'WHILE');
  assert.deepEqual(names(3), [...network, 'ADD']);
});

test('slowingModel refuses a model with loops of its own', () => {
  const twice = slowingModel(readModel(original), { after: 3, times: 5 });
  assert.throws(() => slowingModel(twice, { after: 3, times: 5 }), RangeError);
});

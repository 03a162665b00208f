import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { type Classifier, openClassifier } from '../classifier.js';
import { goldenFromFolder, syntheticGolden } from './golden.js';

const { signal } = new AbortController();
let root = '';
let model: Classifier;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'atoll-golden-'));
  const bytes = tinyClassifier({ seed: 1, size: 8, classes: 4, io: 'uint8' });
  model = await openClassifier(bytes, { env: process.env, backend: 'wasm', labels: undefined, name: 'tiny' });
});
after(async () => {
  await model.close();
  await rm(root, { recursive: true });
});

test('syntheticGolden gives the same different inputs each time, with the answers of the model', async () => {
  const [first, again] = [await syntheticGolden(model), await syntheticGolden(model)];
  assert.deepEqual(first, again);
  assert.equal(new Set(first.map(({ input }) => Buffer.from(input).toString('hex'))).size, first.length);
  for (const { input, output } of first) assert.deepEqual(output, await model.run(input));
});

test('goldenFromFolder takes pairs as they are, and refuses one without its answer or of another size', async () => {
  const input = new Uint8Array(8 * 8 * 3).fill(9);
  await writeFile(join(root, 'a.input.bin'), input);
  await assert.rejects(goldenFromFolder(root, model, signal), /a\.output\.bin: there is no such file/);
  await writeFile(join(root, 'a.output.bin'), Uint8Array.of(1, 2, 3));
  await assert.rejects(goldenFromFolder(root, model, signal), /it has 3 bytes, the tensor 4/);
  await writeFile(join(root, 'a.output.bin'), Uint8Array.of(1, 2, 3, 4));
  const [pair] = await goldenFromFolder(root, model, signal);
  assert.deepEqual([...(pair?.output ?? [])], [1, 2, 3, 4]);
  assert.deepEqual([...(pair?.input ?? [])], [...input]);
});

test('goldenFromFolder refuses a folder that is not there or has nothing', async () => {
  await assert.rejects(goldenFromFolder(join(root, 'none'), model, signal), /there is no such folder/);
  const empty = await mkdtemp(join(root, 'empty-'));
  await assert.rejects(goldenFromFolder(empty, model, signal), /it has no photo and no NAME\.input\.bin/);
});

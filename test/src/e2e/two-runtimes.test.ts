/** What one training leaves opens elsewhere: the float and the int8 file answer alike in the native library and in WebAssembly. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { decodeImage } from '@atoll/image/decode';
import { imagesIn } from '@atoll/image/images-in';
import { defaultPreprocessing, imageTarget, toTensorBytes } from '@atoll/image/preprocessing';
import type { LoadedModel } from '@atoll/runtime/model';
import { openModel } from '@atoll/runtime/open';
import { repositoryRoot } from '../support/repository.js';

const runFile = promisify(execFile);
const cache = cachePaths(process.env);
const missing = [cache.cifar, cache.liteRt].filter((path) => !existsSync(path));
const skip = missing.length > 0 ? `needs ${missing.join(' and ')}: npm start sets them up` : false;
const sidePixels = 48;
const photosAClass = 50;

const atoll = (...args: string[]): Promise<unknown> =>
  runFile(process.execPath, [join(repositoryRoot, 'cli/bin/atoll.js'), ...args], { timeout: 240_000 });

/** The index of the greatest score, the lowest one on ties. */
function top(bytes: Uint8Array, model: LoadedModel): number {
  const float = model.outputs[0]?.dtype === 'float32';
  const scores = float ? [...new Float32Array(new Uint8Array(bytes).buffer)] : [...bytes];
  return scores.indexOf(Math.max(...scores));
}

describe('a trained model in two runtimes', { skip }, () => {
  let root = '';
  after(() => rm(root, { recursive: true, force: true }));

  test('float and int8 agree on the top class of at least 98 % of 300 photos', async (t) => {
    root = await mkdtemp(join(tmpdir(), 'atoll-two-runtimes-'));
    const photos = join(root, 'photos');
    for (const name of await readdir(join(cache.cifar, 'train'))) {
      await mkdir(join(photos, name), { recursive: true });
      const files = (await readdir(join(cache.cifar, 'train', name))).sort().slice(0, 80);
      for (const file of files) await cp(join(cache.cifar, 'train', name, file), join(photos, name, file));
    }
    const run = join(root, 'run');
    await atoll('train', '--data', photos, '--out', run, '--size', String(sidePixels), '--epochs', '3');
    const h5 = join(run, 'model.h5');
    await atoll('convert', h5, '--out', join(root, 'float.tflite'));
    await atoll('quantize', h5, '--data', photos, '--out', join(root, 'int8.tflite'));

    const test300: string[] = [];
    for (const name of await readdir(join(cache.cifar, 'test'))) {
      const images = await imagesIn([join(cache.cifar, 'test', name)]);
      test300.push(...images.slice(0, photosAClass).map((image) => image.path));
    }
    assert.equal(test300.length, 300);
    for (const file of ['float.tflite', 'int8.tflite']) {
      const bytes = await readFile(join(root, file));
      const native = await openModel(bytes, { backend: 'native', libraries: cache });
      const wasm = await openModel(bytes, { backend: 'wasm', libraries: cache });
      assert.notEqual(native.backend, wasm.backend);
      const input = native.inputs[0];
      assert.ok(input !== undefined);
      const preprocessing = defaultPreprocessing(input);
      let same = 0;
      for (const path of test300) {
        const pixels = await decodeImage(path, imageTarget(preprocessing));
        const tensor = toTensorBytes(pixels, preprocessing, input);
        const [a, b] = [(await native.run([tensor]))[0], (await wasm.run([tensor]))[0]];
        assert.ok(a !== undefined && b !== undefined);
        if (top(a, native) === top(b, wasm)) same++;
      }
      await native.close();
      await wasm.close();
      t.diagnostic(`${file}: ${same} of 300 photos have the same top class in ${native.backend} and ${wasm.backend}`);
      assert.ok(same >= 294, `${file}: ${same} of 300 photos have the same top class`);
    }
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { linkAddOn, tensorflow } from './tensorflow.js';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe('linkAddOn', () => {
  it('lets a child load tfjs-node and compute, with the libraries found by rpath alone', async (t) => {
    const machine = {
      env: process.env,
      paths: cachePaths(process.env),
      platform: `${process.platform}-${process.arch}`,
      repository,
      signal: t.signal,
      say: () => undefined,
      freeBytes: () => Promise.resolve(0),
    };
    if ((await tensorflow.find(machine)) === undefined) {
      t.skip('libtensorflow is not in the cache; npm test fetches it where pip and g++ are on PATH');
      return;
    }
    await linkAddOn(machine);
    await linkAddOn(machine);
    const program = `const tf = require('@tensorflow/tfjs-node');
      console.log(tf.getBackend(), tf.backend().binding.TF_Version, tf.matMul(tf.ones([1, 3]), tf.ones([3, 1])).dataSync()[0]);`;
    const { LD_LIBRARY_PATH: _unused, ...env } = process.env;
    const options = { cwd: repository, env: { ...env, TF_CPP_MIN_LOG_LEVEL: '2' }, timeout: 60_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], options);
    assert.match(stdout, /tensorflow 2\.12\.1 3\s*$/);
  });
});

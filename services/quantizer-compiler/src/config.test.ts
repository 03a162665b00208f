import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from './config.js';

describe('readConfig', () => {
  it('has a working default for everything', () => {
    const config = readConfig({ HOME: '/home/a', PATH: '/bin' });
    assert.equal(config.listen, '127.0.0.1:7402');
    assert.equal(config.dataDir, '.atoll/quantizer-compiler');
    assert.deepEqual([config.edgeTpuCompiler, config.searchPath], [null, '/bin']);
    assert.match(config.libraries.liteRt, /^\/home\/a\/\.cache\/atoll\/litert-/);
  });

  it('lists every fault at once, and the nearest right name', () => {
    const env = {
      ATOLL_QUANTIZER_COMPILER_MAX_RUNNING_JOBS: 'many',
      ATOLL_QUANTIZER_COMPILER_LISTENS: 'x',
      ATOLL_LOG: 'loud',
    };
    assert.throws(
      () => readConfig(env),
      /MAX_RUNNING_JOBS="many" is not a whole number.*ATOLL_LOG="loud"|ATOLL_LOG="loud".*MAX_RUNNING_JOBS="many"/,
    );
    assert.throws(() => readConfig(env), /did you mean ATOLL_QUANTIZER_COMPILER_LISTEN\?/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AtollError } from '@atoll/base/error';
import { chooseEngine, type EngineLoaders } from './choose-engine.js';
import type { Engine, EngineName } from './engine.js';

/** Loaders of which only some find their engine. */
function loaders(...present: EngineName[]): EngineLoaders {
  const load = (name: EngineName) => async (): Promise<Engine> => {
    if (!present.includes(name)) throw new AtollError('UNAVAILABLE', `cannot load the engine ${name}: not there`);
    return { name, versions: {}, openSession: () => assert.fail('no session is opened here') };
  };
  return { 'tfjs-node': load('tfjs-node'), wasm: load('wasm') };
}

describe('chooseEngine()', () => {
  test('auto takes the best that loads, without a word', async () => {
    const { engine, warning } = await chooseEngine('auto', loaders('tfjs-node', 'wasm'));
    assert.deepEqual([engine.name, warning], ['tfjs-node', null]);
  });

  test('auto falls back with one line that names what it costs and why', async () => {
    const { engine, warning } = await chooseEngine('auto', loaders('wasm'));
    assert.equal(engine.name, 'wasm');
    assert.match(warning ?? '', /^training on the engine wasm, .*: cannot load the engine tfjs-node: not there$/);
  });

  test('auto with nothing says what was tried', async () => {
    await assert.rejects(
      chooseEngine('auto', loaders()),
      /^AtollError: cannot train: .*tfjs-node: not there; .*wasm: not there$/,
    );
  });

  test('an engine by name is that one or an error', async () => {
    assert.equal((await chooseEngine('wasm', loaders('tfjs-node', 'wasm'))).engine.name, 'wasm');
    await assert.rejects(chooseEngine('tfjs-node', loaders('wasm')), { code: 'UNAVAILABLE' });
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@atoll/base/eventually';
import { defaultSwap } from '../config/swap.js';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker } from '../packages-for-tests.js';

const never = new AbortController().signal;

describe('trials of backends on a node', () => {
  let maker: PackageMaker;
  let node: NodeUnderTest;
  before(async () => {
    maker = await packageMaker();
    const trials = join(maker.folder, 'trials');
    await mkdir(trials);
    node = await nodeUnderTest({
      backendTrials: trials,
      trialsSettleMs: 0,
      swap: { ...defaultSwap, trial: { ...defaultSwap.trial, durationMs: 0 } },
    });
  });
  after(async () => {
    await node.stop();
    await rm(maker.folder, { recursive: true, force: true });
  });

  test('are made after the model serves, and Explain tells them', async () => {
    await node.running.swapper.activate(await maker.make(1n), never);
    const words = await eventually(async () => {
      const { models } = await node.own.explain({ model: 'tiny' });
      assert.ok((models[0]?.versions[0]?.served?.trials.length ?? 0) > 0);
      return models[0]?.words.join(' ') ?? '';
    }, 30_000);
    assert.match(words, /its backends were timed here: /);
    const answer = await node.open.modelInfer(inferRequest(1));
    assert.equal(answer.modelVersion, '1');
  });

  test('a version that takes over from itself fails no request and keeps its numbers', async () => {
    const { swapper } = node.running;
    await eventually(
      () => assert.ok(swapper.describe()[0]?.versions.every(({ trial }) => trial === undefined)),
      60_000,
    );
    // A request is counted a moment after its answer: those of the test before are all in once two looks agree.
    let requestsBefore = Number.NaN;
    await eventually(() => {
      const last = requestsBefore;
      requestsBefore = swapper.stats('tiny', 1n).requests;
      assert.equal(requestsBefore, last);
    });
    let renewed = false;
    let asked = 0;
    const asking = (async () => {
      while (!renewed) {
        assert.equal((await node.open.modelInfer(inferRequest(asked++))).modelVersion, '1');
      }
    })();
    await swapper.renew('tiny', 1n, 'wasm is faster');
    renewed = true;
    await asking;
    assert.ok(asked > 0);
    await eventually(() => assert.equal(swapper.stats('tiny', 1n).requests, requestsBefore + asked));
    const [model] = swapper.describe();
    assert.deepEqual(
      model?.versions.map(({ version, label }) => [version, label]),
      [[1n, 'stable']],
    );
    assert.deepEqual([model?.decisions.at(-1)?.kind, model?.previous], ['reloaded', undefined]);
    assert.match(model?.decisions.at(-1)?.reason ?? '', /^wasm is faster, on /);
    await swapper.renew('tiny', 9n, 'another version serves');
    assert.equal(swapper.describe()[0]?.decisions.length, model?.decisions.length);
  });
});

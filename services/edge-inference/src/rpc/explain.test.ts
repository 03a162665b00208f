import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker, pixels } from '../packages-for-tests.js';

const never = new AbortController().signal;

describe('Explain of an edge node', () => {
  let maker: PackageMaker;
  let node: NodeUnderTest;
  before(async () => {
    maker = await packageMaker();
    node = await nodeUnderTest();
  });
  after(async () => {
    await node.stop();
    await maker.remove();
  });

  test('tells what serves, where and why, what ran, and what was refused', async () => {
    await node.running.swapper.activate(await maker.make(1n), never);
    await node.open.modelInfer(inferRequest(1));
    const input = await maker.write('golden-input', pixels(0));
    const output = await maker.write('wrong-output', new Uint8Array(6).fill(77));
    const wrong = await maker.make(2n, { golden: [{ input, output, tolerance: 1 }] });
    assert.equal((await node.running.swapper.activate(wrong, never)).outcome, 'failed');

    const { models, devices } = await node.own.explain({ model: 'tiny' });
    const [model] = models;
    const [version] = model?.versions ?? [];
    assert.deepEqual([models.length, model?.model, model?.owner, devices.length], [1, 'tiny', 'node', 0]);
    const { served } = version ?? {};
    assert.deepEqual(
      [served?.version, served?.label, served?.device, served?.trafficPercent],
      [1n, 'stable', 'cpu', 100],
    );
    assert.deepEqual(version?.outcomes, [{ outcome: 'ok', count: 1n }]);
    assert.equal(version?.fault, '');
    const decided = (model?.decisions ?? []).map(({ kind, version: of }) => [kind, of]);
    assert.deepEqual(
      [decided[0], decided.at(-1)],
      [
        ['stable', 1n],
        ['refused', 2n],
      ],
    );
    const words = model?.words.join(' ') ?? '';
    assert.match(words, new RegExp(`v1 is stable, on ${served?.backend} \\(cpu\\), and gets 100 % of the requests`));
    assert.match(words, /v2 was refused: GOLDEN_MISMATCH/);
  });

  test('DescribeModels tells device, label, share and memory', async () => {
    const { versions } = await node.own.describeModels({});
    assert.deepEqual(
      versions.map(({ version, label, device, trafficPercent }) => [version, label, device, trafficPercent]),
      [[1n, 'stable', 'cpu', 100]],
    );
    assert.ok((versions[0]?.memoryBytes ?? 0n) > 0n);
  });

  test('a model that the node does not know is NOT_FOUND; no name means all', async () => {
    await assert.rejects(node.own.explain({ model: 'other' }), (error) => isAtollError(error, 'NOT_FOUND'));
    assert.equal((await node.own.explain({ model: '' })).models.length, 1);
  });
});

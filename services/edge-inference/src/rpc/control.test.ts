import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ModelTraffic } from '@atoll/proto/atoll/v1/inference';
import { LoadVersionRequest, VersionLabel } from '@atoll/proto/atoll/v1/inference';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker } from '../packages-for-tests.js';

const { VERSION_LABEL_STABLE: STABLE, VERSION_LABEL_CANARY: CANARY, VERSION_LABEL_SHADOW: SHADOW } = VersionLabel;

describe('the control calls of a node', { timeout: 60_000 }, () => {
  let maker: PackageMaker;
  let root: string;
  let node: NodeUnderTest;
  before(async () => {
    maker = await packageMaker();
    root = await mkdtemp(join(tmpdir(), 'atoll-control-'));
    for (const version of [1n, 2n, 3n]) {
      const at = join(root, 'tiny', String(version));
      await mkdir(at, { recursive: true });
      await cp((await maker.make(version)).files[0]?.path ?? '', join(at, 'model.tflite'));
    }
    node = await nodeUnderTest({ repository: root });
  });
  after(async () => {
    await node.stop();
    await maker.remove();
    await rm(root, { recursive: true, force: true });
  });

  /** "1 + canary 2 25 % + shadow 3 50 %, before 4". */
  const told = (traffic: ModelTraffic | undefined): string => {
    assert.ok(traffic !== undefined);
    const { stableVersion, canaryVersion, canaryPercent, shadowVersion, shadowPercent, previousVersion } = traffic;
    const canary = canaryVersion === 0n ? '' : ` + canary ${canaryVersion} ${canaryPercent} %`;
    const shadow = shadowVersion === 0n ? '' : ` + shadow ${shadowVersion} ${shadowPercent} %`;
    return `${stableVersion}${canary}${shadow}${previousVersion === 0n ? '' : `, before ${previousVersion}`}`;
  };
  const load = (version: bigint, label: VersionLabel, percent = 0) =>
    node.own.loadVersion(LoadVersionRequest.fromPartial({ model: 'tiny', version, label, percent }));

  test('load, share, promote, remove, revert and unload answer with the split that is in force then', async () => {
    assert.equal(told((await load(1n, STABLE)).traffic), '1, before 3');
    assert.equal(told((await load(2n, CANARY, 25)).traffic), '1 + canary 2 25 %, before 3');
    assert.equal(told((await load(3n, SHADOW, 50)).traffic), '1 + canary 2 25 % + shadow 3 50 %, before 3');
    const shared = await node.own.setTraffic({ model: 'tiny', canaryPercent: 40, shadowPercent: undefined });
    assert.equal(told(shared.traffic), '1 + canary 2 40 % + shadow 3 50 %, before 3');
    assert.equal((await node.open.modelInfer(inferRequest(1, { modelVersion: 'shadow' }))).modelVersion, '3');
    const removed = await node.own.removeVersion({ model: 'tiny', label: SHADOW });
    assert.equal(told(removed.traffic), '1 + canary 2 40 %, before 3');
    assert.equal(told((await node.own.promoteCanary({ model: 'tiny' })).traffic), '2, before 1');
    assert.equal(told((await node.own.revertModel({ model: 'tiny' })).traffic), '1');
    await node.own.unloadModel({ model: 'tiny' });
    await assert.rejects(node.open.modelInfer(inferRequest(1)), { code: 'NOT_FOUND' });
    assert.equal(told((await load(0n, STABLE)).traffic), '3');
  });

  test('a caller with a route key stays on its side of the split', async () => {
    await load(1n, STABLE);
    await load(2n, CANARY, 50);
    const sides = new Set<string>();
    for (let key = 0; key < 12; key++) {
      const metadata = { 'atoll-route-key': `camera-${key}` };
      const answers = new Set<string>();
      for (let i = 0; i < 4; i++) {
        answers.add((await node.open.modelInfer(inferRequest(1), { metadata })).modelVersion);
      }
      assert.equal(answers.size, 1, `camera-${key}: ${[...answers].join()}`);
      for (const side of answers) sides.add(side);
    }
    assert.equal(sides.size, 2);
    await node.own.removeVersion({ model: 'tiny', label: CANARY });
  });

  test('what is not there, what is wrong and what a rollout owns is refused in one line', async () => {
    await load(1n, STABLE);
    await node.running.swapper.forFleet.activate(
      await maker.make(1n, { model: 'fleets' }),
      new AbortController().signal,
    );
    const refused: readonly (readonly [() => Promise<unknown>, string, RegExp])[] = [
      [() => load(9n, CANARY, 5), 'NOT_FOUND', /no such version/],
      [() => load(2n, CANARY, 120), 'INVALID_ARGUMENT', /120 is no percentage/],
      [() => load(1n, SHADOW, 5), 'FAILED_PRECONDITION', /loaded under another label/],
      [() => node.own.promoteCanary({ model: 'tiny' }), 'FAILED_PRECONDITION', /has no canary/],
      [() => node.own.removeVersion({ model: 'tiny', label: STABLE }), 'INVALID_ARGUMENT', /its canary or its shadow/],
      [
        () => node.own.setTraffic({ model: 'none', canaryPercent: 1, shadowPercent: undefined }),
        'NOT_FOUND',
        /not serve it/,
      ],
      [() => node.own.revertModel({ model: 'fleets' }), 'FAILED_PRECONDITION', /a rollout put it into service/],
      [() => node.own.unloadModel({ model: 'fleets' }), 'FAILED_PRECONDITION', /rollout/],
    ];
    for (const [call, code, message] of refused) await assert.rejects(call(), { code, message });
  });
});

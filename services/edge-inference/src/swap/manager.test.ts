import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { defaultSwap } from '../config/swap.js';
import type { NodeUnderTest } from '../node-for-tests.js';
import { inferRequest, nodeUnderTest } from '../node-for-tests.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker } from '../packages-for-tests.js';
import type { SwapConfig } from '../config/swap.js';
import type { VersionDescription } from './description.js';

const never = new AbortController().signal;

/** Judges fast; latency is left out, because the machine of a test is no measure. */
const trial = { ...defaultSwap.trial, durationMs: 600, windowMs: 300, minSamples: 10, maxLatencyRatio: 0 };

describe('a swap manager', { timeout: 120_000 }, () => {
  let maker: PackageMaker;
  const started: NodeUnderTest[] = [];
  before(async () => {
    maker = await packageMaker();
  });
  afterEach(async () => {
    for (const node of started.splice(0)) await node.stop();
  });
  after(() => maker.remove());

  const start = async (swap: Partial<SwapConfig> = {}, slots = 1): Promise<NodeUnderTest> => {
    const node = await nodeUnderTest({ swap: { ...defaultSwap, trial, ...swap }, slots });
    started.push(node);
    return node;
  };
  const ask = async ({ open }: NodeUnderTest, modelName: string, modelVersion = ''): Promise<string> =>
    (await open.modelInfer(inferRequest(1, { modelName, modelVersion }), { timeoutMs: 20_000 })).modelVersion;
  const versionsOf = ({ running }: NodeUnderTest, model: string): readonly VersionDescription[] =>
    running.swapper.describe().find(({ name }) => name === model)?.versions ?? [];
  const decisionsOf = ({ running }: NodeUnderTest, model: string): string[] =>
    (running.swapper.describe().find(({ name }) => name === model)?.decisions ?? []).map(
      ({ kind, version, label = 'none' }) => `${kind} v${version} ${label}`,
    );

  test('a canary answers its share, by label and by version too, and is promoted without a gap', async () => {
    const node = await start();
    const { swapper } = node.running;
    await swapper.activate(await maker.make(1n), never);
    const begun = await swapper.besides.begin({ pkg: await maker.make(2n), label: 'canary', percent: 25 }, never);
    assert.equal(begun.outcome, 'ok');
    const answers = new Map<string, number>();
    for (let i = 0; i < 80; i++) {
      const version = await ask(node, 'tiny');
      answers.set(version, (answers.get(version) ?? 0) + 1);
    }
    assert.deepEqual(
      [...answers].toSorted(([a], [b]) => Number(a) - Number(b)),
      [
        ['1', 60],
        ['2', 20],
      ],
    );
    assert.deepEqual(
      [
        await ask(node, 'tiny', 'stable'),
        await ask(node, 'tiny', 'canary'),
        await ask(node, 'tiny', '2'),
        await ask(node, 'tiny', '1'),
      ],
      ['1', '2', '2', '1'],
    );
    await assert.rejects(ask(node, 'tiny', 'shadow'), {
      code: 'NOT_FOUND',
      message: 'cannot find tiny "shadow": this node serves tiny v1',
    });
    await swapper.promote('tiny');
    assert.equal(await ask(node, 'tiny'), '2');
    assert.deepEqual(
      versionsOf(node, 'tiny').map(({ version, label, trafficPercent }) => [version, label, trafficPercent]),
      [[2n, 'stable', 100]],
    );
    await swapper.revert('tiny');
    assert.equal(await ask(node, 'tiny'), '1');
  });

  test('a canary that ends its runtime process is taken away and all requests go to the stable version', async () => {
    const node = await start();
    const { swapper, runtimePids } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.besides.begin({ pkg: await maker.make(2n), label: 'canary', percent: 50 }, never);
    for (const pid of runtimePids) process.kill(pid, 'SIGKILL');
    await eventually(
      () =>
        assert.deepEqual(
          versionsOf(node, 'tiny').map(({ version }) => version),
          [1n],
        ),
      10_000,
    );
    const last = node.running.swapper.describe()[0]?.decisions.at(-1);
    assert.match(`${last?.kind} ${last?.label} ${last?.reason}`, /^removed canary CRASHED: its runtime process ended/);
    for (let i = 0; i < 4; i++) assert.equal(await ask(node, 'tiny'), '1');
  });

  test('a promotion that waits for its turn is refused when the canary fails meanwhile', async () => {
    const node = await start();
    const { swapper, runtimePids } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.besides.begin({ pkg: await maker.make(2n), label: 'canary', percent: 50 }, never);
    // The model's turn is taken for longer than a look at its trials takes.
    const shadows = await Promise.all([3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n].map((version) => maker.make(version)));
    const before = shadows.map((pkg) => swapper.besides.begin({ pkg, label: 'shadow', percent: 10 }, never));
    const promoted = assert.rejects(swapper.promote('tiny'), {
      code: 'FAILED_PRECONDITION',
      message: /^cannot promote tiny: its canary v2 has failed its trial: CRASHED/,
    });
    for (const pid of runtimePids) process.kill(pid, 'SIGKILL');
    await promoted;
    await Promise.allSettled(before);
    assert.equal(await ask(node, 'tiny'), '1');
  });

  test('a shadow runs on the same inputs, answers nobody, and is taken away when it disagrees', async () => {
    const node = await start();
    const { swapper } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.besides.begin({ pkg: await maker.make(1n, { version: 3n }), label: 'shadow', percent: 100 }, never);
    await eventually(
      async () => {
        assert.equal(await ask(node, 'tiny'), '1');
        const shadow = versionsOf(node, 'tiny').find(({ label }) => label === 'shadow');
        assert.ok((shadow?.compared ?? 0) >= 15, `${shadow?.compared} compared`);
        assert.deepEqual([shadow?.version, shadow?.stats.disagreed, shadow?.meanAbsError], [3n, 0, 0]);
      },
      20_000,
      1,
    );

    // Another network under the same name: it names other classes.
    const other = await otherClasses(node);
    await swapper.besides.begin({ pkg: await maker.make(other), label: 'shadow', percent: 100 }, never);
    await eventually(
      async () => {
        assert.equal(await ask(node, 'tiny'), '1');
        assert.ok(decisionsOf(node, 'tiny').includes(`removed v${other} shadow`));
      },
      20_000,
      1,
    );
    const reason = node.running.swapper.describe()[0]?.decisions.at(-1)?.reason ?? '';
    assert.match(reason, /^DISAGREES: \d+ of \d+ answers differ, 10 % may$/);
  });

  /** A version that names another class than version 1 for the picture that ask() sends. */
  const otherClasses = async ({ running }: NodeUnderTest): Promise<bigint> => {
    assert.equal(running.swapper.active('tiny')?.version, 1n);
    const top = async (version: bigint): Promise<number> => {
      const scores = [...(await maker.answer(version, 1))];
      return scores.indexOf(Math.max(...scores));
    };
    for (let version = 10n; version < 60n; version++) if ((await top(version)) !== (await top(1n))) return version;
    throw new Error('every version names the same class');
  };

  test('a version that fails after it took over goes and the one before comes back; in a fleet the agent does that', async () => {
    const node = await start({ trial: { ...trial, durationMs: 60_000 } });
    const { swapper, runtimePids } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.activate(await maker.make(2n), never);
    await swapper.forFleet.activate(await maker.make(1n, { model: 'fleets' }), never);
    await swapper.forFleet.activate(await maker.make(2n, { model: 'fleets' }), never);
    assert.equal(await ask(node, 'tiny'), '2');
    for (const pid of runtimePids) process.kill(pid, 'SIGKILL');
    await eventually(() => assert.equal(swapper.active('tiny')?.version, 1n), 20_000);
    await eventually(() => assert.equal(decisionsOf(node, 'tiny').at(-1), 'returned v2 stable'));
    assert.equal(await ask(node, 'tiny'), '1');
    assert.deepEqual([swapper.owner('tiny'), swapper.owner('fleets')], ['node', 'fleet']);
    assert.equal(swapper.active('fleets')?.version, 2n);
    await assert.rejects(node.own.revertModel({ model: 'fleets' }), {
      code: 'FAILED_PRECONDITION',
      message: /rollout/,
    });
  });

  test('a version that failed while others had their turn is not what the next one goes back to', async () => {
    const node = await start({ trial: { ...trial, durationMs: 60_000 } });
    const { swapper, runtimePids } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.activate(await maker.make(2n), never);
    const [second, third] = [await maker.make(2n), await maker.make(3n)];
    // Each has its turn, which takes longer than two looks at the trial; all are refused but the last.
    const wrong = [4n, 5n, 6n, 7n, 8n, 9n].map((version) => ({ ...third, version, golden: second.golden }));
    const changes = [...wrong, third].map((pkg) => swapper.activate(pkg, never));
    for (const pid of runtimePids) process.kill(pid, 'SIGKILL');
    const outcomes = (await Promise.all(changes)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, [...wrong.map(() => 'failed'), 'ok']);
    assert.equal(await ask(node, 'tiny'), '3');
    assert.equal(node.running.swapper.describe()[0]?.previous, 1n);
    await swapper.revert('tiny');
    assert.equal(await ask(node, 'tiny'), '1');
  });

  test('a version that failed is watched on while the one before cannot come back', async () => {
    const node = await start({ trial: { ...trial, durationMs: 60_000 } });
    const { swapper } = node.running;
    const first = await maker.make(1n);
    await swapper.activate(first, never);
    await swapper.activate(await maker.make(2n), never);
    const crash = async (): Promise<void> => {
      const before = node.running.runtimePids;
      for (const pid of before) process.kill(pid, 'SIGKILL');
      await eventually(
        () => assert.equal(node.running.runtimePids.filter((pid) => !before.includes(pid)).length, 1),
        20_000,
      );
    };
    const path = first.files[0]?.path ?? assert.fail('a package has a file');
    await rename(path, `${path}.away`);
    const crashedMs = performance.now();
    await crash();
    await eventually(() => {
      const [elapsedMs = Infinity] = versionsOf(node, 'tiny').flatMap(({ trial: on }) => on?.elapsedMs ?? []);
      assert.ok(elapsedMs < performance.now() - crashedMs, 'no trial has begun after the crash');
    }, 20_000);
    assert.equal(await ask(node, 'tiny'), '2');
    await rename(`${path}.away`, path);
    await crash();
    await eventually(() => assert.equal(decisionsOf(node, 'tiny').at(-1), 'returned v2 stable'), 20_000);
  });

  test('a version that did well through its trial stays', async () => {
    const node = await start();
    const { swapper } = node.running;
    await swapper.activate(await maker.make(1n), never);
    await swapper.activate(await maker.make(2n), never);
    await eventually(() => assert.equal(decisionsOf(node, 'tiny').at(-1), 'passed v2 stable'), 10_000);
    assert.equal(await ask(node, 'tiny'), '2');
  });

  test('an activation whose version serves as canary already only moves the label', async () => {
    const node = await start();
    const { swapper } = node.running;
    await swapper.activate(await maker.make(1n), never);
    const second = await maker.make(2n);
    await swapper.besides.begin({ pkg: second, label: 'canary', percent: 0 }, never);
    const stages: string[] = [];
    await swapper.activate(second, never, (stage) => stages.push(stage));
    assert.deepEqual([await ask(node, 'tiny'), stages], ['2', []]);
  });

  test('what cannot run beside the stable version is refused and leaves everything as it is', async () => {
    const node = await start();
    const { swapper } = node.running;
    const second = await maker.make(2n);
    await assert.rejects(swapper.besides.begin({ pkg: second, label: 'canary', percent: 10 }, never), {
      code: 'FAILED_PRECONDITION',
      message: 'cannot run tiny v2 as canary: no version is in service',
    });
    await swapper.activate(await maker.make(1n), never);
    await assert.rejects(swapper.besides.begin({ pkg: second, label: 'canary', percent: 101 }, never), {
      code: 'INVALID_ARGUMENT',
    });
    assert.throws(() => swapper.besides.share('tiny', { canary: 5 }), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(swapper.promote('tiny'), { code: 'FAILED_PRECONDITION' });
    const wrong = { ...second, golden: (await maker.make(3n)).golden };
    const refused = await swapper.besides.begin({ pkg: wrong, label: 'shadow', percent: 10 }, never);
    assert.equal(refused.outcome === 'failed' ? refused.reason : '', 'GOLDEN_MISMATCH');
    const again = await swapper.besides.begin({ pkg: await maker.make(1n), label: 'canary', percent: 10 }, never);
    assert.match(again.outcome === 'failed' ? again.message : '', /loaded under another label/);
    assert.deepEqual(
      versionsOf(node, 'tiny').map(({ label }) => label),
      ['stable'],
    );
  });
});

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '@atoll/base/clock';
import { silentLogger } from '@atoll/base/log';
import type { PackageMaker } from '../../packages-for-tests.js';
import { packageMaker, testConfig } from '../../packages-for-tests.js';
import { startEdgeInference } from '../../service.js';
import type { RunningEdgeInference } from '../../service.js';
import type { RepositoryEntry } from './repository.js';

const never = new AbortController().signal;
const limits = { timeout: 60_000 };

describe('a node with a repository', limits, () => {
  let maker: PackageMaker;
  let root: string;
  let running: RunningEdgeInference;
  const place = async (model: string, version: bigint): Promise<void> => {
    const target = join(root, model, String(version), 'model.tflite');
    await mkdir(dirname(target), { recursive: true });
    const made = await maker.make(version);
    await cp(made.files[0]?.path ?? '', target);
  };
  const states = async (): Promise<readonly string[]> =>
    (await running.repository.index()).map(
      ({ name, version, state }: RepositoryEntry) => `${name} ${version} ${state}`,
    );

  before(async () => {
    maker = await packageMaker();
    root = await mkdtemp(join(tmpdir(), 'atoll-repository-'));
    for (const version of [1n, 2n]) await place('good', version);
    await place('broken', 1n);
    await writeFile(join(root, 'broken', '1', 'model.tflite'), 'this is not a model');
    await mkdir(join(root, 'empty'));
    const path = (await maker.make(7n)).files[0]?.path ?? '';
    running = await startEdgeInference(
      { ...testConfig, repository: root, models: [{ name: 'given', path }] },
      { log: silentLogger, clock: systemClock },
    );
  });
  after(async () => {
    await running.stop();
    await maker.remove();
    await rm(root, { recursive: true, force: true });
  });

  test('serves the newest version of every model from the start; a bad one is listed with its reason', async () => {
    assert.equal(running.swapper.active('good')?.version, 2n);
    assert.deepEqual(await states(), [
      'broken 1 UNAVAILABLE',
      'empty  UNAVAILABLE',
      'given 1 READY',
      'good 1 UNAVAILABLE',
      'good 2 READY',
    ]);
    const [broken, empty, , old] = await running.repository.index();
    assert.match(broken?.reason ?? '', /^cannot use broken v1: [^\n]+$/);
    assert.equal(empty?.reason, 'it has no version');
    assert.equal(old?.reason, 'it is not loaded');
  });

  test('load() takes a version by number or the newest, one that came later too', async () => {
    await running.repository.load('good', 1n, never);
    assert.equal(running.swapper.active('good')?.version, 1n);
    await place('good', 3n);
    await running.repository.load('good', undefined, never);
    assert.equal(running.swapper.active('good')?.version, 3n);
    await assert.rejects(running.repository.load('good', 9n, never), { code: 'NOT_FOUND' });
    await assert.rejects(running.repository.load('other', undefined, never), { code: 'NOT_FOUND' });
    await assert.rejects(running.repository.load('empty', undefined, never), { code: 'NOT_FOUND' });
  });

  test('a version that cannot serve leaves what serves, and keeps its reason', async () => {
    await place('good', 4n);
    await mkdir(join(root, 'good', '4', 'golden'));
    await writeFile(join(root, 'good', '4', 'golden', 'a.input.bin'), new Uint8Array(16 * 16 * 3));
    await writeFile(join(root, 'good', '4', 'golden', 'a.output.bin'), new Uint8Array(6));
    await running.repository.load('good', 3n, never);
    await assert.rejects(running.repository.load('good', 4n, never), {
      code: 'FAILED_PRECONDITION',
      message: /^cannot serve good v4: golden case 1 of 1/,
    });
    assert.equal(running.swapper.active('good')?.version, 3n);
    const entry = (await running.repository.index()).find(({ name, version }) => name === 'good' && version === '4');
    assert.match(entry?.reason ?? '', /golden case 1 of 1/);
  });

  test('unload() takes a model out of service, a file by name too, and load() brings it back', async () => {
    for (const model of ['good', 'given']) {
      await running.repository.unload(model);
      assert.equal(running.swapper.active(model), undefined);
      await running.repository.unload(model);
      await running.repository.load(model, undefined, never).catch(() => undefined);
    }
    assert.equal(running.swapper.active('given')?.version, 1n);
    await assert.rejects(running.repository.unload('other'), { code: 'NOT_FOUND' });
  });

  test('what a rollout put into service is listed and left alone', async () => {
    await running.swapper.forFleet.activate(await maker.make(5n, { model: 'fleets' }), never);
    assert.ok((await states()).includes('fleets 5 READY'));
    const why = { code: 'FAILED_PRECONDITION', message: /was put into service by a rollout/ };
    await assert.rejects(running.repository.load('fleets', undefined, never), why);
    await assert.rejects(running.repository.unload('fleets'), why);
    assert.equal(running.swapper.active('fleets')?.version, 5n);
  });

  test('a repository that is no folder ends the start in one line', async () => {
    await assert.rejects(
      startEdgeInference(
        { ...testConfig, repository: join(root, 'nowhere') },
        { log: silentLogger, clock: systemClock },
      ),
      { code: 'NOT_FOUND', message: /^cannot read [^\n]+nowhere[^\n]+$/ },
    );
  });
});

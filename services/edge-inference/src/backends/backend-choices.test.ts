import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import type { ModelPackage } from '../models/model-package.js';
import type { PackageMaker } from '../packages-for-tests.js';
import { packageMaker, pixels, testConfig } from '../packages-for-tests.js';
import { createBackendChoices } from './backend-choices.js';
import type { BackendTrial } from './choose.js';
import { createKnownTrials } from './known-trials.js';
import { tryBackends } from './try-backends.js';

const settings = { libraries: testConfig.libraries, threads: 1 };
const options = { settings, timeoutMs: 30_000, log: silentLogger };
const never = new AbortController().signal;
const wasmWins: readonly BackendTrial[] = [
  { backend: 'native-litert', medianMs: 0, p99Ms: 0, refusal: 'not there' },
  { backend: 'native-tflite', medianMs: 45, p99Ms: 57, refusal: undefined },
  { backend: 'wasm', medianMs: 16, p99Ms: 24, refusal: undefined },
];

let maker: PackageMaker;
before(async () => {
  maker = await packageMaker();
});
after(() => maker.remove());

describe('tryBackends()', () => {
  test('wasm runs the tiny model everywhere; a backend whose library is not there is refused by name', async () => {
    const bare = { ...options, settings: { ...settings, libraries: { liteRt: '/nowhere.so', tfLite: '/nowhere.so' } } };
    const trials = await tryBackends(await maker.make(1n), bare, never);
    assert.deepEqual(
      trials.map(({ backend, refusal }) => [backend, refusal?.replace(/.*: /, '')]),
      [
        ['native-litert', 'it is not there'],
        ['native-tflite', 'it is not there'],
        ['wasm', undefined],
      ],
    );
    assert.ok((trials[2]?.medianMs ?? 0) > 0 && (trials[2]?.p99Ms ?? 0) >= (trials[2]?.medianMs ?? 0));
  });

  test('a backend that answers the golden cases wrongly is refused', async () => {
    const wrong = await maker.write('wrong-output', new Uint8Array(6).fill(77));
    const input = await maker.write('golden-input', pixels(0));
    const pkg = await maker.make(1n, { golden: [{ input, output: wrong, tolerance: 1 }] });
    const trials = await tryBackends(pkg, options, never);
    for (const { backend, refusal } of trials.filter(({ refusal }) => !refusal?.includes('not there')))
      assert.match(refusal ?? '', /output elements are off/, backend);
  });

  test('an abort ends it', async () => {
    const pkg = await maker.make(1n);
    await assert.rejects(tryBackends(pkg, options, AbortSignal.abort(new Error('enough'))), /enough/);
  });
});

describe('createKnownTrials() and createBackendChoices()', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-trials-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const choicesIn = (
    directory: string,
    tryAll: (pkg: ModelPackage) => Promise<readonly BackendTrial[]>,
    againMs = 60_000,
  ) =>
    createBackendChoices({
      known: createKnownTrials(directory, settings),
      tryAll,
      onTried: async () => undefined,
      log: silentLogger,
      settleMs: 0,
      againMs,
    });

  test('trials are made once, beside; the next node knows them without', async () => {
    const pkg = await maker.make(2n);
    let made = 0;
    const first = choicesIn(join(folder, 'trials'), async () => {
      made++;
      return wasmWins;
    });
    await first.recall(pkg);
    assert.equal(first.preferred(pkg), undefined);
    for (let i = 0; i < 3; i++) first.consider([pkg, pkg]);
    await eventually(async () => assert.equal((await readdir(join(folder, 'trials'))).length, 1));
    await first.stop();
    assert.equal(made, 1);

    const second = choicesIn(join(folder, 'trials'), async () => assert.fail('they are known'));
    await second.recall(pkg);
    assert.equal(second.preferred(pkg), 'wasm');
    assert.deepEqual(second.trialsOf(pkg), wasmWins);
    second.consider([pkg]);
    await second.stop();
    const other = await maker.make(3n);
    await second.recall(other);
    assert.equal(second.preferred(other), undefined, 'another model is not known');
  });

  test('a file that is no list of trials is not believed', async () => {
    const pkg = await maker.make(4n);
    const known = createKnownTrials(folder, settings);
    await known.keep(pkg, wasmWins);
    const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    for (const text of ['', '[]', '{}', '[null]', '[{"backend":"gpu","medianMs":1,"p99Ms":1}]', 'x'.repeat(20_000)]) {
      await writeFile(join(folder, file), text);
      assert.equal(await known.find(pkg), undefined, text.slice(0, 40));
    }
  });

  test('when nothing can run what is served, nothing is kept', async () => {
    const refused = wasmWins.map((trial) => ({ ...trial, refusal: 'no such file' }));
    const directory = join(folder, 'none');
    let made = 0;
    const choices = choicesIn(directory, async () => {
      made++;
      return refused;
    });
    choices.consider([await maker.make(5n)]);
    await eventually(() => assert.equal(made, 1));
    await choices.stop();
    await assert.rejects(readdir(directory), /ENOENT/);
  });

  test('trials that failed are made again after a while, those that had to wait for what serves no more are not made', async () => {
    const [sixth, seventh, eighth] = [await maker.make(6n), await maker.make(7n), await maker.make(8n)];
    const asked: bigint[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const choices = choicesIn(
      join(folder, 'again'),
      async ({ version }) => {
        asked.push(version);
        await held;
        if (asked.length === 1) throw new Error('no process could be started');
        return wasmWins;
      },
      1,
    );
    choices.consider([sixth, seventh]);
    await eventually(() => assert.deepEqual(asked, [6n]));
    choices.consider([sixth, eighth]);
    release();
    await eventually(() => assert.deepEqual([choices.preferred(sixth), choices.preferred(eighth)], ['wasm', 'wasm']));
    await choices.stop();
    assert.deepEqual(
      asked.map(Number).toSorted((a, b) => a - b),
      [6, 6, 8],
    );
  });
});

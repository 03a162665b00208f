/** The whole line by the command line alone: photos, training, int8, plan, a fleet, a release, a rollout, predictions. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { atoll, atollJson, processesBelow, type Running, startAtoll, stillAlive } from '../support/cli.js';
import { writePhotoFolders } from '../support/photo-folders.js';

const natsServer = await findNatsServer(process.env);

interface Published {
  readonly version: number;
  readonly manifestSha256: string;
}
interface Node {
  readonly id: string;
  readonly online: boolean;
  readonly model: string | null;
  readonly version: number | null;
  readonly state: string;
}
interface Predicted {
  readonly file: string;
  readonly predictions: readonly { readonly label: string; readonly score: number }[];
  readonly version?: number;
  readonly backend: string;
}

describe('the line from photos to predictions', { timeout: 300_000 }, () => {
  let root = '';
  let up: Running | undefined;
  const at = (name: string): string => join(root, name);

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-line-'));
    await writePhotoFolders(at('train'), 24);
    await writePhotoFolders(at('test'), 6);
  });
  after(async () => {
    await up?.kill();
    await rm(root, { recursive: true });
  });

  test('train leaves every file of a run, and leaves out a damaged photo by name', async () => {
    await writeFile(at('train/water/damaged.jpg'), Buffer.from('ffd8ffe000104a464946', 'hex'));
    const args = [
      'train',
      '--data',
      at('train'),
      '--test',
      at('test'),
      '--out',
      at('run'),
      '--size',
      '32',
      '--epochs',
      '2',
    ];
    const said = await atollJson<{
      readonly classes: readonly string[];
      readonly epoch: readonly object[];
      readonly images: { readonly skipped: readonly { readonly path: string }[] };
    }>([...args, '--lr', '1e-3', '--augment', 'none']);
    assert.deepEqual([said.classes, said.epoch.length], [['brick', 'grass', 'water'], 2]);
    assert.deepEqual(
      said.images.skipped.map(({ path }) => path),
      ['water/damaged.jpg'],
    );
    const job = JSON.parse(await readFile(at('run/job.json'), 'utf8')) as { readonly skipped: readonly object[] };
    assert.deepEqual(job.skipped, said.images.skipped);
    await rm(at('train/water/damaged.jpg'));
    const left = await readdir(at('run'));
    const wanted = ['model.h5', 'layers-model', 'labels.txt', 'history.json', 'history.svg', 'confusion.json'];
    for (const name of [...wanted, 'confusion.svg', 'predictions.json', 'job.json', 'checkpoints'])
      assert.ok(left.includes(name), `${name} is missing among ${left.join(', ')}`);
    assert.equal(await readFile(at('run/labels.txt'), 'utf8'), 'brick\ngrass\nwater\n');
  });

  test('convert, quantize, compile and inspect agree on one model', async () => {
    await atollJson(['convert', at('run/layers-model'), '--out', at('float.tflite')]);
    const quantize = [
      'quantize',
      at('run/model.h5'),
      '--data',
      at('train'),
      '--eval',
      at('test'),
      '--out',
      at('int8.tflite'),
      '--report',
      at('int8-report'),
    ];
    const report = await atollJson<{
      readonly sizeBytes: number;
      readonly floatSizeBytes: number;
      readonly input: { readonly type: string };
      readonly eval: { readonly images: number; readonly agreement: number };
    }>(quantize);
    assert.equal(report.sizeBytes, (await stat(at('int8.tflite'))).size);
    assert.equal(report.floatSizeBytes, (await stat(at('float.tflite'))).size);
    assert.deepEqual([report.input.type, report.eval.images], ['uint8', 18]);
    assert.ok(report.eval.agreement > 0.8, `agreement ${report.eval.agreement}`);
    assert.deepEqual((await readdir(at('int8-report'))).sort(), ['report.html', 'report.json']);
    const again = await atoll([
      'quantize',
      at('run/model.h5'),
      '--data',
      at('train'),
      '--eval',
      at('test'),
      '--report',
      at('again'),
      '--out',
      at('again.tflite'),
    ]);
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /^kept from an identical request/m);
    assert.match(again.out, /int8 +[\d,]+ bytes, [\d.]+ times smaller\n {2}agreement +/);
    assert.deepEqual(await readFile(at('again.tflite')), await readFile(at('int8.tflite')));
    const keras = await atollJson<{ readonly kind: string; readonly parameters: number }>([
      'inspect',
      at('run/model.h5'),
    ]);
    assert.equal(keras.kind, 'float');
    const compiled = await atollJson<{
      readonly compiled: boolean;
      readonly onCpu: number;
      readonly files: readonly string[];
    }>(['compile', at('int8.tflite'), '--out', at('edgetpu')]);
    assert.equal(compiled.onCpu, 0);
    for (const file of compiled.files) await access(file);
    const inspected = await atollJson<{ readonly kind: string; readonly labels: readonly string[] }>([
      'inspect',
      at('int8.tflite'),
    ]);
    assert.deepEqual([inspected.kind, inspected.labels], ['int8', ['brick', 'grass', 'water']]);
  });

  test('predict gives a line a photo, of the Keras file and of the int8 one', async () => {
    for (const model of ['run/model.h5', 'int8.tflite']) {
      const { code, out } = await atoll(['predict', at(model), at('test/grass')]);
      const lines = out.trimEnd().split('\n');
      assert.deepEqual([code, lines.length], [0, 6]);
      for (const line of lines)
        assert.match(line, /^File: 00\d\.png {2}Prediction: (brick|grass|water) {2}[01]\.\d\d$/);
    }
  });

  describe('a fleet', { skip: natsServer === undefined ? natsServerMissing : false }, () => {
    const fleet = (...args: readonly string[]): string[] => [...args, '--data-dir', at('fleet')];

    test('up is ready, a release is published, rolled out in waves and asked; Ctrl-C leaves nothing', async () => {
      up = startAtoll(fleet('up', '--json', '--nodes', '2'), { env: { ATOLL_UP_PORTS: 'any' } });
      const running = up;
      await eventually(() => assert.match(running.said().out, /^\{"server".*\n$/, running.said().err), 60_000);
      assert.deepEqual(JSON.parse(running.said().out), JSON.parse(await readFile(at('fleet/atoll.json'), 'utf8')));

      const publish = fleet(
        'publish',
        at('int8.tflite'),
        '--model',
        'stuff',
        '--golden',
        at('test'),
        '--alias',
        'stable',
      );
      const published = await atollJson<Published>(publish);
      assert.equal(published.version, 1);
      const [release] = await atollJson<readonly (Published & { readonly aliases: readonly string[] })[]>(
        fleet('releases'),
      );
      assert.deepEqual([release?.manifestSha256, release?.aliases], [published.manifestSha256, ['stable']]);

      const start = fleet(
        'rollout',
        'start',
        '--model',
        'stuff',
        '--version',
        '1',
        '--waves',
        '1,100%',
        '--soak',
        '300ms',
      );
      const rollout = await atollJson<{ readonly phase: string; readonly waves: readonly object[] }>([
        ...start,
        '--wait',
      ]);
      assert.deepEqual([rollout.phase, rollout.waves.length], ['Complete', 2]);
      const nodes = await atollJson<readonly Node[]>(fleet('nodes'));
      assert.deepEqual(
        nodes.map(({ id, online, model, version, state }) => [id, online, model, version, state]),
        [
          ['node-1', true, 'stuff', 1, 'Steady'],
          ['node-2', true, 'stuff', 1, 'Steady'],
        ],
      );

      const infer = fleet('infer', at('test'), '--model', 'stuff');
      const each = await atollJson<readonly Predicted[]>(infer);
      const streamed = await atollJson<readonly Predicted[]>([...infer, '--stream']);
      assert.deepEqual([each.length, new Set(each.map(({ version }) => version))], [18, new Set([1])]);
      const scores = (answers: readonly Predicted[]) => answers.map(({ predictions }) => predictions);
      assert.deepEqual(scores(streamed), scores(each));
      const local = await atollJson<readonly Predicted[]>(['predict', at('int8.tflite'), at('test')]);
      assert.deepEqual(
        each.map(({ predictions }) => predictions[0]?.label),
        local.map(({ predictions }) => predictions[0]?.label),
      );

      const below = await processesBelow(running.pid);
      assert.ok(below.length >= 7, `only ${below.length} processes`);
      running.interrupt();
      assert.equal((await running.ended).code, 0);
      await eventually(async () => assert.deepEqual(await stillAlive(below), []));
      await assert.rejects(access(at('fleet/atoll.json')));
    });

    test('up starts again in the same folder, with the release, the rollout and the model in service', async () => {
      up = startAtoll(fleet('up', '--json', '--nodes', '2'), { env: { ATOLL_UP_PORTS: 'any' } });
      const running = up;
      await eventually(() => assert.match(running.said().out, /^\{"server".*\n$/, running.said().err), 60_000);
      assert.equal((await atollJson<readonly object[]>(fleet('releases'))).length, 1);
      const rollout = await atollJson<{ readonly phase: string }>(fleet('rollout', 'get', 'stuff-v1'));
      assert.equal(rollout.phase, 'Complete');
      const { nodes } = JSON.parse(running.said().out) as { readonly nodes: readonly { readonly address: string }[] };
      for (const { address } of nodes) {
        const [answer] = await atollJson<readonly Predicted[]>([
          'infer',
          at('test/brick/000.png'),
          '--model',
          'stuff',
          '--server',
          address,
        ]);
        assert.equal(answer?.version, 1);
      }
      const second = await atoll(fleet('up', '--nodes', '2'), { env: { ATOLL_UP_PORTS: 'any' } });
      assert.equal(second.code, 1);
      assert.match(second.err, /atoll: cannot start a fleet in .*: process \d+ runs one there already\n$/);
      running.interrupt();
      assert.equal((await running.ended).code, 0);
    });
  });
});

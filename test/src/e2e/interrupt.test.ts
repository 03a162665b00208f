/** Ctrl-C at work: no process is left, nothing half-written, and the same folders serve again. */
import assert from 'node:assert/strict';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { atollJson, processesBelow, type Running, startAtoll, stillAlive } from '../support/cli.js';
import { writePhotoFolders } from '../support/photo-folders.js';

const natsServer = await findNatsServer(process.env);
const linux = process.platform === 'linux' ? false : 'processes are followed through /proc: run it on Linux';

describe('Ctrl-C', { timeout: 240_000, skip: linux }, () => {
  let root = '';
  const at = (name: string): string => join(root, name);
  const started: Running[] = [];
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Running => {
    const running = startAtoll(args, { cwd: root, env });
    started.push(running);
    return running;
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-interrupt-'));
    await writePhotoFolders(at('photos'), 40);
    await writeFile(at('model.tflite'), tinyClassifier({ seed: 1, size: 32, classes: 3, io: 'uint8' }));
    await writeFile(at('other.tflite'), tinyClassifier({ seed: 2, size: 32, classes: 3, io: 'uint8' }));
  });
  after(async () => {
    for (const running of started) await running.kill();
    await rm(root, { recursive: true });
  });

  test('during train: 130, no process, no run folder, nothing beside it', async () => {
    const train = ['train', '--data', 'photos', '--out', 'run', '--size', '64', '--epochs', '500'];
    const running = start(train, { TMPDIR: root });
    await eventually(() => assert.match(running.said().err, /epoch 1/), 60_000);
    const below = await processesBelow(running.pid);
    assert.ok(below.length > 0, 'the training has no process of its own');
    running.interrupt();
    const { code, out } = await running.ended;
    assert.deepEqual([code, out], [130, '']);
    await eventually(async () => assert.deepEqual(await stillAlive(below), []));
    assert.deepEqual((await readdir(root)).toSorted(), ['model.tflite', 'other.tflite', 'photos']);
  });

  describe('with a fleet', { skip: natsServer === undefined ? natsServerMissing : false }, () => {
    const fleet = (...args: readonly string[]): string[] => [...args, '--data-dir', at('fleet')];
    const startUp = async (): Promise<Running> => {
      const running = start(fleet('up', '--json', '--nodes', '2'), { ATOLL_UP_PORTS: 'any' });
      await eventually(() => assert.match(running.said().out, /^\{"server".*\n$/, running.said().err), 60_000);
      return running;
    };
    const end = async (running: Running): Promise<void> => {
      const below = await processesBelow(running.pid);
      running.interrupt();
      assert.equal((await running.ended).code, 0, running.said().err);
      await eventually(async () => assert.deepEqual(await stillAlive(below), []));
    };
    const phase = async (name: string): Promise<string> =>
      (await atollJson<{ readonly phase: string }>(fleet('rollout', 'get', name))).phase;

    test('of whoever waits for a rollout: 130, and the rollout goes on', async () => {
      const running = await startUp();
      await atollJson(fleet('publish', at('model.tflite'), '--model', 'tiny'));
      const rollout = [
        'rollout',
        'start',
        '--model',
        'tiny',
        '--version',
        '1',
        '--waves',
        '1,100%',
        '--soak',
        '1s',
        '--wait',
      ];
      const waiting = start(fleet(...rollout));
      await eventually(() => assert.match(waiting.said().err, /tiny-v1/), 30_000);
      waiting.interrupt();
      assert.equal((await waiting.ended).code, 130);
      await eventually(async () => assert.equal(await phase('tiny-v1'), 'Complete'), 60_000, 200);
      await end(running);
    });

    test('of a fleet during a rollout: no process, and the same folder ends the rollout on the next start', async () => {
      const first = await startUp();
      await atollJson(fleet('publish', at('other.tflite'), '--model', 'tiny'));
      await atollJson(
        fleet('rollout', 'start', '--model', 'tiny', '--version', '2', '--waves', '1,100%', '--soak', '3s'),
      );
      await eventually(async () => assert.equal(await phase('tiny-v2'), 'Progressing'), 20_000, 100);
      await end(first);
      await assert.rejects(access(at('fleet/atoll.json')));

      const again = await startUp();
      await eventually(async () => assert.equal(await phase('tiny-v2'), 'Complete'), 90_000, 300);
      await end(again);
    });

    test('of a fleet that is just starting: no process, no lock, and it can be started again', async () => {
      const starting = start(fleet('up', '--json', '--nodes', '2'), { ATOLL_UP_PORTS: 'any' });
      let below: readonly number[] = [];
      await eventually(async () => {
        below = await processesBelow(starting.pid);
        assert.ok(below.length >= 3, `${below.length} processes`);
      }, 20_000);
      starting.interrupt();
      assert.equal((await starting.ended).code, 130);
      await eventually(async () => assert.deepEqual(await stillAlive(below), []));
      await end(await startUp());
    });
  });
});

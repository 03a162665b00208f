import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { type Context, createContext } from '../context.js';
import { atollServer } from './atoll-server.js';
import { processTree } from './process-tree.js';
import { benchServe } from './serve.js';
import type { ServedModel } from './served-models.js';
import { benchSwap } from './swap.js';

const skip = existsSync('/proc/self/stat') ? false : 'processes are measured by /proc, which this system has not';

describe('a bench of a live node', { skip }, () => {
  let folder = '';
  let models: readonly [ServedModel, ServedModel];
  const said = { err: '' };
  const context: Context = createContext(
    {
      env: process.env,
      out: () => undefined,
      err: (text) => (said.err += text),
      columns: undefined,
      signal: AbortSignal.timeout(120_000),
    },
    { quiet: true },
  );
  const modelOf = async (seed: number): Promise<ServedModel> => {
    const path = join(folder, `${seed}.tflite`);
    await writeFile(path, tinyClassifier({ seed, size: 16, classes: 5, io: 'uint8' }));
    return { name: 'tiny', path };
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-bench-test-'));
    models = [await modelOf(1), await modelOf(2)];
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('benchServe measures rate, latency, processor time, memory, start and a photo', async () => {
    const figures = await benchServe(
      {
        model: models[0],
        only: ['atoll'],
        slots: 1,
        rounds: 1,
        seconds: 0.5,
        warmSeconds: 0.3,
        starts: 2,
        client: 'node',
      },
      context,
    );
    const names = figures.map(({ name }) => name);
    for (const name of [
      '1-clients/throughput',
      '8-clients/p99',
      'rest/8-clients/p50',
      'start',
      'rss',
      'photo/beside-infer',
    ])
      assert.ok(names.includes(`Atoll/${name}`), `${name} of ${names.join(', ')}`);
    // Processor time comes in ticks of 10 ms: of half a second on a busy machine there may be none.
    const odd = figures.filter(({ name, value }) => !(name.endsWith('cpu') ? value >= 0 : value > 0));
    assert.deepEqual(odd, []);
    assert.match(said.err, /8 at a time .*\n[^]*8 at a time, REST /);
  });

  test('benchSwap sees no failure, and every answer by the version that made it', async () => {
    const figures = await benchSwap(
      { models, clients: 4, slots: 1, everySeconds: 0.5, seconds: 1, windowSeconds: 1, memorySwaps: 0 },
      context,
    );
    const value = (name: string) => figures.find((figure) => figure.name === `swap/${name}`)?.value;
    assert.deepEqual([value('failed'), value('wrong-version'), value('wrong-output')], [0, 0, 0]);
    assert.ok((value('p99') ?? 0) > 0 && (value('duration') ?? 0) > 0);
  });

  test('a server that is stopped leaves no process, and one that cannot start says why', async () => {
    const running = await atollServer(process.env, 2).start(models[0], context.signal);
    const tree = await processTree(running.pid);
    await running.stop();
    for (const { pid } of tree) assert.deepEqual(await processTree(pid), []);
    const absent = { name: 'tiny', path: join(folder, 'absent.tflite') };
    await assert.rejects(atollServer(process.env, 1).start(absent, context.signal), {
      code: 'FAILED_PRECONDITION',
      message: /absent\.tflite/,
    });
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { silentLogger } from '@atoll/base/log';
import { standaloneConfig, startEdgeInference } from '@atoll/edge-inference/service';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { withChannel } from './fleet.js';
import { inferEach, inferStream } from './infer-images.js';

test('inferEach and inferStream name the photo that a node cannot decode', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-infer-'));
  try {
    const photo = join(folder, 'broken.jpg');
    const path = join(folder, 'tiny.tflite');
    await writeFile(photo, 'no photo');
    await writeFile(path, tinyClassifier({ seed: 1, size: 32, classes: 3, io: 'uint8' }));
    const node = await startEdgeInference(
      {
        ...standaloneConfig(cachePaths(process.env)),
        listen: '127.0.0.1:0',
        httpListen: undefined,
        libraryPath: undefined,
        backend: 'auto',
        models: [{ name: 'tiny', path }],
      },
      { log: silentLogger, clock: systemClock },
    );
    try {
      const question = { model: 'tiny', version: 0n, top: 1 };
      await withChannel(node.address, async (channel) => {
        for (const ask of [inferEach, inferStream]) {
          const answers = ask(channel, [photo], question, AbortSignal.timeout(30_000));
          await assert.rejects(answers.next(), {
            code: 'INVALID_ARGUMENT',
            message: /^cannot infer .*broken\.jpg: .*cannot decode/,
          });
        }
      });
    } finally {
      await node.stop();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

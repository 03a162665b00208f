import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { silentLogger } from '@atoll/base/log';
import { type RunningEdgeInference, standaloneConfig, startEdgeInference } from '@atoll/edge-inference/service';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';

/** A node for clients of others to ask, both protocols on. */
export interface ServingNode {
  readonly node: RunningEdgeInference;
  readonly grpc: string;
  readonly http: string;
  /** A file with the bytes of an input for model tiny. */
  readonly inputPath: string;
  /** What version 2 of tiny answers to it. */
  readonly expected: readonly number[];
  /** Its labels. */
  readonly classes: readonly string[];
  stop(): Promise<void>;
}

const size = 16;
const classes = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'];

/** Starts one with model tiny in its repository, versions 1 and 2; 2 serves. */
export async function startServingNode(): Promise<ServingNode> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-serving-'));
  const cache = cachePaths(process.env);
  const model = (seed: number): Uint8Array => tinyClassifier({ seed, size, classes: classes.length, io: 'uint8' });
  const input = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256);
  const inputPath = join(folder, 'input.bin');
  await writeFile(inputPath, input);
  for (const version of [1, 2]) {
    const place = join(folder, 'models', 'tiny', String(version));
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'model.tflite'), model(version));
    await writeFile(join(place, 'labels.txt'), `${classes.join('\n')}\n`);
  }
  const libraries = { liteRt: cache.liteRt, tfLite: cache.tfLite };
  const opened = await openModel(model(2), { backend: 'auto', libraries });
  const [scores = new Uint8Array()] = await opened.run([input]);
  await opened.close();
  const node = await startEdgeInference(
    { ...standaloneConfig(cache), httpListen: '127.0.0.1:0', repository: join(folder, 'models') },
    { log: silentLogger, clock: systemClock },
  );
  return {
    node,
    grpc: node.address,
    http: node.http ?? '',
    inputPath,
    expected: [...scores],
    classes,
    stop: async () => {
      await node.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

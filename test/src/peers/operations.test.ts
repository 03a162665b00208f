import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { realValues } from '@atoll/cli/scores';
import { decodeImage } from '@atoll/image/decode';
import { imagesIn } from '@atoll/image/images-in';
import type { LoadedModel } from '@atoll/runtime/model';
import { openLiteRt } from '@atoll/runtime/litert';
import { openTfLite } from '@atoll/runtime/tflite';
import { openWasm } from '@atoll/runtime/wasm';
import { readModel } from '@atoll/tflite/read';
import { repositoryRoot } from '../support/repository.js';
import { aiEdgePython, kerasPython } from './keras-venv.js';
import { startQuantizer, type TestQuantizer } from './quantizer.js';

const runFile = promisify(execFile);
const script = (name: string): string => join(repositoryRoot, 'test/src/peers', name);
const signal = AbortSignal.timeout(500_000);
const { liteRt, tfLite } = cachePaths(process.env);
const size = 8;

/** Why these do not run, or false. */
async function reasonToSkip(): Promise<string | false> {
  if (process.env['ATOLL_PEERS'] !== 'all')
    return 'a model of every operation takes minutes: ATOLL_PEERS=all runs them, against TFLiteConverter and ai-edge-litert';
  for (const found of [await kerasPython(process.env), await aiEdgePython(process.env)])
    if ('skip' in found) return found.skip;
  if (!existsSync(liteRt) || !existsSync(tfLite)) return 'LiteRT or TFLite is not in the cache; npm test fetches them';
  return false;
}

describe('a tiny model of each operation', { skip: await reasonToSkip() }, () => {
  let root = '';
  let quantizer: TestQuantizer;
  let names: readonly string[] = [];
  let photos: readonly Uint8Array[] = [];

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-operations-'));
    const found = await kerasPython(process.env);
    await runFile('python' in found ? found.python : '', [script('tiny-ops.py'), root], { timeout: 300_000 });
    const files = (await readdir(root)).filter((name) => name.endsWith('.tflite') && !name.endsWith('-int8.tflite'));
    names = files.map((name) => name.replace('.tflite', '')).toSorted();
    const target = { width: size, height: size, channels: 3 } as const;
    const images = await imagesIn([join(root, 'photos')]);
    photos = await Promise.all(images.map(({ path }) => decodeImage(path, target)));
    quantizer = await startQuantizer(signal);
  });
  after(async () => {
    await quantizer.stop();
    await rm(root, { recursive: true, force: true });
  });

  /** The real outputs of a model for all photos. */
  async function answers(model: LoadedModel): Promise<Float32Array> {
    const [input] = model.inputs;
    const [output] = model.outputs;
    assert.ok(input !== undefined && output !== undefined);
    const values: number[] = [];
    for (const photo of photos) {
      const bytes = input.dtype === 'uint8' ? photo : new Uint8Array(Float32Array.from(photo, (x) => x / 255).buffer);
      const [scores = new Uint8Array()] = await model.run([bytes]);
      values.push(...realValues(scores, output));
    }
    await model.close();
    return Float32Array.from(values);
  }

  test('is full-integer, runs alike on every runtime and is as near to the float model as TFLiteConverter gets', async (t) => {
    for (const name of names) {
      if (name === 'ARG_MAX') continue;
      await t.test(name, async () => {
        const made = join(root, `${name}-atoll.tflite`);
        const settings = { model: join(root, `${name}.tflite`), photos: join(root, 'photos'), samples: photos.length };
        await quantizer.quantize({ ...settings, ranges: 'minmax' }, made);
        const bytes = await readFile(made);
        const types = readModel(bytes, name).subgraphs.flatMap(({ tensors }) => tensors.map(({ type }) => type));
        assert.deepEqual(
          [...new Set(types)].filter((type) => !['int8', 'uint8', 'int32'].includes(type)),
          [],
        );

        const float = await answers(await openLiteRt(await readFile(settings.model), liteRt, 1));
        const native = await openLiteRt(bytes, liteRt, 1);
        const step = native.outputs[0]?.scale ?? 1;
        const ours = await answers(native);
        const theirs = await answers(await openLiteRt(await readFile(join(root, `${name}-int8.tflite`)), liteRt, 1));
        const [error, peerError] = [meanDistance(float, ours), meanDistance(float, theirs)];
        assert.ok(
          error <= peerError * 1.1 + step / 4,
          `mean error ${error}, of TFLiteConverter ${peerError}, step ${step}`,
        );
        for (const other of [openTfLite(bytes, tfLite, 1), await openWasm(bytes)]) {
          const { backend } = other;
          const distance = meanDistance(ours, await answers(other)) / step;
          assert.ok(distance <= 1, `${backend} is ${distance} steps from LiteRT in the mean`);
        }
      });
    }
  });

  test('gives the same bytes in ai-edge-litert for Python as in Node', async (t) => {
    const found = await aiEdgePython(process.env);
    const folder = await mkdtemp(join(root, 'python-'));
    const files = (await readdir(root)).filter((name) => name.endsWith('-atoll.tflite'));
    assert.ok(files.length > 50, `${files.length} models`);
    for (const file of files) {
      await writeFile(join(folder, file), await readFile(join(root, file)));
      await writeFile(join(folder, file.replace('.tflite', '.in')), Buffer.concat(photos));
    }
    await runFile('python' in found ? found.python : '', [script('run-litert.py'), folder], { timeout: 120_000 });
    for (const file of files) {
      await t.test(file.replace('-atoll.tflite', ''), async () => {
        const model = await openLiteRt(await readFile(join(folder, file)), liteRt, 1);
        const expected: Uint8Array[] = [];
        for (const photo of photos) expected.push(...(await model.run([photo])).slice(0, 1));
        await model.close();
        assert.deepEqual(await readFile(join(folder, file.replace('.tflite', '.out'))), Buffer.concat(expected));
      });
    }
  });
});

function meanDistance(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { agreementOf, pairedDifference, type PhotoVerdict, verdictOf } from '@atoll/cli/bench/agreement';
import { convertByPeers, peerFile, peerFiles, prepareForPeers } from '@atoll/cli/bench/convert-net';
import { judgeFiles } from '@atoll/cli/bench/judge-files';
import { type BenchNet, benchScript, defaultNetsFolder, readNets, trainedNets } from '@atoll/cli/bench/nets';
import { decodeImage } from '@atoll/image/decode';
import { imagesIn } from '@atoll/image/images-in';
import { openLiteRt } from '@atoll/runtime/litert';
import { repositoryRoot } from '../support/repository.js';
import { aiEdgePython, kerasPython } from './keras-venv.js';
import { startQuantizer, type TestQuantizer } from './quantizer.js';

const runFile = promisify(execFile);
const { env } = process;
const { liteRt, cifar } = cachePaths(env);
const signal = AbortSignal.timeout(580_000);
const keras = await kerasPython(env);
const aiEdge = await aiEdgePython(env);
const python = { keras: 'python' in keras ? keras.python : '', aiEdge: 'python' in aiEdge ? aiEdge.python : '' };
const pythons = { tensorflow: python.keras || undefined, aiEdge: python.aiEdge || undefined };
const trained = env['ATOLL_PEERS'] === 'all' ? await readNets(defaultNetsFolder(env)) : [];

function reasonToSkip(): string | false {
  if ('skip' in keras) return keras.skip;
  if (!existsSync(cifar)) return 'there are no photos in the cache; npm test fetches them';
  return !existsSync(liteRt) && 'LiteRT is not in the cache; npm test fetches it';
}

describe('int8 files beside those of TFLiteConverter and ai-edge-quantizer', { skip: reasonToSkip() }, () => {
  let root = '';
  let quantizer: TestQuantizer;
  /** Atoll's files with ranges auto, by net. */
  const made = new Map<BenchNet, string>();

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'atoll-conversion-'));
    quantizer = await startQuantizer(signal);
  });
  after(async () => {
    await quantizer.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function isAsGoodOnEveryMeasure(net: BenchNet): Promise<void> {
    const photos = join(root, `${net.name}.npy`);
    if (!existsSync(peerFile(net, 'tflite.tflite'))) {
      await prepareForPeers(net, python.keras, photos, env, signal);
      await convertByPeers(net, pythons, photos, 1, env, signal);
    }
    const own = join(root, `${net.name}.tflite`);
    const calibration = { model: join(net.folder, 'model.h5'), photos: join(net.folder, 'calib'), samples: 100 };
    await quantizer.quantize({ ...calibration, ranges: 'auto' }, own);
    made.set(net, own);
    const peers = [...peerFiles].map(([maker, name]) => [maker, peerFile(net, name)] as const);
    const files = new Map([['atoll', own], ...peers.filter(([, file]) => existsSync(file))]);
    const request = {
      float: peerFile(net, 'float.tflite'),
      files,
      photos: join(net.folder, 'eval'),
      labels: net.labels,
    };
    const { verdicts } = await judgeFiles(request, env, () => undefined, signal);
    const ours = verdicts.get('atoll') ?? [];
    assert.ok(ours.length >= 1200 && files.size > 1, `${ours.length} photos, ${files.size} files`);
    for (const [maker, theirs] of verdicts) {
      if (maker === 'atoll') continue;
      const told = `${maker}: ${JSON.stringify([agreementOf(ours), agreementOf(theirs)])}`;
      const compare = (of: (verdict: PhotoVerdict) => number, more: 'better' | 'worse'): string =>
        verdictOf(pairedDifference(ours.map(of), theirs.map(of)), more);
      assert.notEqual(
        compare(({ agree }) => agree, 'better'),
        'worse',
        `agreement, ${told}`,
      );
      assert.notEqual(
        compare(({ absError }) => absError, 'worse'),
        'worse',
        `mean error, ${told}`,
      );
    }
  }

  test('on a net that learns in seconds, agreement and mean error are no worse than those of any peer', async () => {
    await runFile(python.keras, [benchScript('nets.py'), cifar, root, 'small'], { timeout: 300_000 });
    const [net] = await readNets(root);
    assert.ok(net?.accuracy !== undefined && net.accuracy !== null && net.accuracy > 0.5, 'the net has learned');
    await isAsGoodOnEveryMeasure(net);
  });

  const folder = defaultNetsFolder(env);
  const untrained = trainedNets.filter((name) => !trained.some((net) => net.name === name));
  const skip =
    untrained.length > 0 && `ATOLL_PEERS=all judges the nets that atoll bench quantize has trained into ${folder}`;
  test('on every net of the bench, they are no worse either', { skip }, async (t) => {
    for (const net of trained.filter(({ name }) => trainedNets.includes(name)))
      await t.test(net.name, () => isAsGoodOnEveryMeasure(net));
  });

  test(
    'ai-edge-litert in Python gives the same bytes as in Node',
    { skip: 'skip' in aiEdge && aiEdge.skip },
    async (t) => {
      assert.ok(made.size > 0);
      for (const [net, file] of made) {
        await t.test(net.name, async () => {
          const folder = join(root, `python-${net.name}`);
          await mkdir(folder);
          const bytes = await readFile(file);
          const model = await openLiteRt(bytes, liteRt, 1);
          const [, height = 0, width = 0] = model.inputs[0]?.shape ?? [];
          const images = (await imagesIn([join(net.folder, 'eval')])).filter((_, i) => i % 30 === 0);
          const photos = await Promise.all(images.map(({ path }) => decodeImage(path, { width, height, channels: 3 })));
          const expected: Uint8Array[] = [];
          for (const photo of photos) expected.push(...(await model.run([photo])));
          await model.close();
          await writeFile(join(folder, 'net.tflite'), bytes);
          await writeFile(join(folder, 'net.in'), Buffer.concat(photos));
          await runFile(python.aiEdge, [join(repositoryRoot, 'test/src/peers/run-litert.py'), folder], {
            timeout: 120_000,
          });
          assert.deepEqual(await readFile(join(folder, 'net.out')), Buffer.concat(expected));
        });
      }
    },
  );
});

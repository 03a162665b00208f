/*
 * A node with an Edge TPU loses it while clients are served and versions are swapped: no request fails, every answer is that of
 * the version and the device that it names, and the device is used again once it is back. The device is a stand-in for
 * libedgetpu that computes what a test can compute too; what only a real device can show is told in docs/serving.md.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { standaloneConfig, startEdgeInference } from '@atoll/edge-inference/service';
import type { RunningEdgeInference } from '@atoll/edge-inference/service';
import { compiledModel } from '@atoll/edgetpu/compiled-model-for-tests';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { openChannel } from '@atoll/rpc/channel';
import type { Channel, RpcClient } from '@atoll/rpc/channel';
import { openModel } from '@atoll/runtime/open';
import { buildStandIn, standInAnswer, standInMissing } from '@atoll/runtime/stand-in-edgetpu-for-tests';
import type { StandIn } from '@atoll/runtime/stand-in-edgetpu-for-tests';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';

const cache = cachePaths(process.env);
const size = 16;
const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256);
const never = new AbortController().signal;
const clients = 4;

describe('a node that loses its Edge TPU', { skip: standInMissing(), timeout: 120_000 }, () => {
  let folder = '';
  let standIn: StandIn;
  let device = '';
  let node: RunningEdgeInference;
  let channel: Channel;
  let open: RpcClient<typeof GRPCInferenceServiceService>;
  /** What each version answers, by device. */
  const answers = new Map<string, Readonly<Record<string, Uint8Array>>>();

  const place = async (version: number): Promise<void> => {
    const at = join(folder, 'm', String(version));
    await mkdir(at, { recursive: true });
    const { bytes, customOptions } = compiledModel({
      seed: version,
      inputs: [{ name: 'image', shape: [1, size, size, 3], scale: 1 / 255 }],
      outputs: [{ name: 'scores', shape: [1, 6] }],
    });
    const twin = tinyClassifier({ seed: version, size, classes: 6, io: 'uint8' });
    await writeFile(join(at, 'model_edgetpu.tflite'), bytes);
    await writeFile(join(at, 'model.tflite'), twin);
    const model = await openModel(twin, { backend: 'auto', libraries: cache });
    const [onCpu = new Uint8Array(0)] = model.runSync([picture]);
    await model.close();
    const [onDevice = new Uint8Array(0)] = standInAnswer(customOptions, [picture], [6]);
    answers.set(String(version), { cpu: onCpu, [device]: onDevice });
  };
  /** One inference; its answer must be the one of the version and device that it names. */
  const infer = async (): Promise<string> => {
    const inputs = [
      { name: 'image', datatype: 'UINT8', shape: [1, size, size, 3].map(BigInt), parameters: {}, contents: undefined },
    ];
    const reply = await open.modelInfer(
      {
        modelName: 'm',
        modelVersion: '',
        id: '',
        parameters: {},
        inputs,
        outputs: [],
        rawInputContents: [Buffer.from(picture)],
      },
      { signal: never },
    );
    const parameter = (name: string): string => {
      const choice = reply.parameters[name]?.parameterChoice;
      return choice?.$case === 'stringParam' ? choice.value : '';
    };
    const on = parameter('device');
    assert.match(parameter('backend'), on === 'cpu' ? /^(native-|wasm)/ : /^edgetpu$/);
    assert.deepEqual(new Uint8Array(reply.rawOutputContents[0] ?? []), answers.get(reply.modelVersion)?.[on]);
    return on;
  };
  /** Clients that ask until `work` is done; how many answers each device gave. */
  const underLoad = async (work: () => Promise<void>): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    let done = false;
    const asking = Array.from({ length: clients }, async () => {
      while (!done) {
        const on = await infer();
        counts[on] = (counts[on] ?? 0) + 1;
      }
    });
    try {
      await work();
    } finally {
      done = true;
    }
    await Promise.all(asking);
    return counts;
  };
  const until = (wanted: string): Promise<void> => eventually(async () => assert.equal(await infer(), wanted), 20_000);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-edge-tpu-'));
    const built = await buildStandIn();
    standIn = built;
    [device = ''] = built.devices;
    await place(1);
    const config = standaloneConfig(cache);
    node = await startEdgeInference(
      {
        ...config,
        repository: folder,
        libraries: { ...config.libraries, edgeTpu: standIn.library },
        devices: { names: [device], options: { Performance: 'High' } },
      },
      { log: silentLogger, clock: systemClock },
    );
    channel = openChannel(node.address);
    open = channel.client(GRPCInferenceServiceService);
  });
  after(async () => {
    channel.close();
    await node.stop();
    await rm(folder, { recursive: true, force: true });
    await standIn.remove();
  });

  for (const fate of ['abort', 'error'] as const) {
    test(`by ${fate}: every request is answered, by the twin on the CPU, until the device is back`, async () => {
      await until(device);
      const counts = await underLoad(async () => {
        await standIn.fate(fate);
        await until('cpu');
        assert.equal((await open.modelReady({ name: 'm', version: '' }, { signal: never })).ready, true);
        await standIn.fate('ok');
        await until(device);
      });
      assert.ok((counts['cpu'] ?? 0) > 0 && (counts[device] ?? 0) > 0, JSON.stringify(counts));
    });
  }

  test('versions are swapped while it is away and while it is there; the one in service when it is back runs on it', async () => {
    await until(device);
    const counts = await underLoad(async () => {
      for (const version of [2, 3]) {
        await place(version);
        await node.repository.load('m', BigInt(version), never);
      }
      await standIn.plug([]);
      await until('cpu');
      await place(4);
      await node.repository.load('m', 4n, never);
      await standIn.plug([device]);
      await until(device);
    });
    assert.ok((counts['cpu'] ?? 0) > 0, JSON.stringify(counts));
    assert.ok((await standIn.journal()).every(({ line }) => !line.startsWith('stolen')));
    assert.ok((await standIn.journal()).some(({ line }) => line === 'option Performance=High'));
  });
});

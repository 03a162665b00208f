/*
 * Damaged files are offered to a node while clients are served: through its repository, whose front reads a file before anything
 * runs it, and as an agent offers a verified release, where nothing looks at the bytes before the probe does. What answers its
 * golden cases may serve, whatever happened to its file; nothing else may, and nobody may notice that it was tried.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { sha256 } from '@atoll/base/digest';
import { isAtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import type { RunningEdgeInference } from '@atoll/edge-inference/service';
import { standaloneConfig, startEdgeInference } from '@atoll/edge-inference/service';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import type { Channel, RpcClient } from '@atoll/rpc/channel';
import { openChannel } from '@atoll/rpc/channel';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import type { Mutated } from './mutations.js';
import { mutatedFiles } from './mutations.js';

const size = 16;
const inputs = [1, 2, 3].map((seed) =>
  Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31 + seed * 97) % 256),
);
const tolerance = 1;
const all = process.env['ATOLL_PEERS'] === 'all';
const count = all ? 426 : 45;
const never = new AbortController().signal;
const clients = 4;

describe('damaged model files offered while clients are served', { timeout: 900_000 }, () => {
  let folder: string;
  let good: Uint8Array;
  let expected: readonly Uint8Array[];
  let node: RunningEdgeInference;
  let channel: Channel;
  let open: RpcClient<typeof GRPCInferenceServiceService>;
  let version = 1;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-mutated-'));
    good = tinyClassifier({ seed: 7, size, classes: 6, io: 'uint8' });
    const config = standaloneConfig(cachePaths(process.env));
    const model = await openModel(good, { backend: 'auto', libraries: config.libraries });
    expected = inputs.map((input) => model.runSync([input])[0] ?? new Uint8Array(0));
    await model.close();
    await place(1, good);
    node = await startEdgeInference(
      { ...config, repository: join(folder, 'repository') },
      { log: silentLogger, clock: systemClock },
    );
    assert.equal(node.swapper.active('m')?.version, 1n);
    channel = openChannel(node.address);
    open = channel.client(GRPCInferenceServiceService);
  });
  after(async () => {
    channel.close();
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Lays a version of model m into the repository, with its golden cases. */
  const place = async (number: number, bytes: Uint8Array): Promise<string> => {
    const at = join(folder, 'repository', 'm', String(number));
    await mkdir(join(at, 'golden'), { recursive: true });
    await writeFile(join(at, 'model.tflite'), bytes);
    for (const [i, input] of inputs.entries()) {
      await writeFile(join(at, 'golden', `${i}.input.bin`), input);
      await writeFile(join(at, 'golden', `${i}.output.bin`), expected[i] ?? input);
    }
    return at;
  };

  /** Offers it; "served", or the reason of its refusal. */
  const offer = async ({ bytes, seed }: Mutated): Promise<string> => {
    version++;
    const at = await place(version, bytes);
    if (seed % 2 === 0) {
      try {
        await node.repository.load('m', BigInt(version), never);
        return 'served';
      } catch (error) {
        assert.ok(isAtollError(error), String(error));
        return error.code;
      }
    }
    const file = (path: string, content: Uint8Array) => ({
      path: join(at, path),
      sha256: sha256(content),
      sizeBytes: content.byteLength,
    });
    const result = await node.swapper.activate(
      {
        model: 'm',
        version: BigInt(version),
        manifestSha256: sha256(`m ${version}`),
        files: [{ target: 'cpu', ...file('model.tflite', bytes), minRuntimeVersion: 0 }],
        inputs: [],
        outputs: [],
        preprocessing: undefined,
        labels: [],
        golden: inputs.map((input, i) => ({
          input: file(`golden/${i}.input.bin`, input),
          output: file(`golden/${i}.output.bin`, expected[i] ?? input),
          tolerance,
        })),
      },
      never,
    );
    return result.outcome === 'ok' ? 'served' : result.reason;
  };

  const answersGolden = async (): Promise<void> => {
    for (const [i, input] of inputs.entries()) assertClose((await ask(input)).bytes, expected[i]);
  };
  const ask = async (input: Uint8Array): Promise<{ version: string; bytes: Uint8Array }> => {
    const answer = await open.modelInfer(
      {
        modelName: 'm',
        modelVersion: '',
        id: '',
        parameters: {},
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [1n, 16n, 16n, 3n], parameters: {}, contents: undefined }],
        outputs: [],
        rawInputContents: [Buffer.from(input)],
      },
      { timeoutMs: 20_000 },
    );
    return { version: answer.modelVersion, bytes: answer.rawOutputContents[0] ?? new Uint8Array(0) };
  };

  test(`${count} damaged files: none serves that does not answer its golden cases, and no request fails`, async (t: TestContext) => {
    const served = new Set(['1']);
    const answered = new Map<string, number>();
    const failures: unknown[] = [];
    let ended = false;
    const load = Array.from({ length: clients }, async (_, client) => {
      for (let i = client; !ended; i++) {
        const which = i % inputs.length;
        try {
          const { version: by, bytes } = await ask(inputs[which] ?? good);
          answered.set(by, (answered.get(by) ?? 0) + 1);
          assertClose(bytes, expected[which]);
        } catch (error) {
          failures.push(error);
        }
      }
    });
    const outcomes = new Map<string, number>();
    const byKind = new Map<string, string[]>();
    for (const mutated of mutatedFiles(good, count)) {
      const before = node.swapper.active('m')?.version;
      const outcome = await offer(mutated);
      const name = `${mutated.kind}, seed ${mutated.seed}: ${outcome}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      byKind.set(mutated.kind, [...(byKind.get(mutated.kind) ?? []), outcome]);
      if (outcome === 'served') {
        served.add(String(version));
        await answersGolden();
      }
      const now = node.swapper.active('m')?.version;
      assert.equal(now, outcome === 'served' ? BigInt(version) : before, name);
    }
    ended = true;
    await Promise.all(load);
    const requests = [...answered.values()].reduce((sum, n) => sum + n, 0);
    t.diagnostic(`${requests} requests, ${failures.length} failed; ${tally(outcomes)}`);
    for (const [kind, list] of byKind) t.diagnostic(`${kind}: ${tally(countOf(list))}`);
    assert.deepEqual(failures.map(String), []);
    assert.deepEqual(
      [...answered.keys()].filter((by) => !served.has(by)),
      [],
    );
    assert.ok(requests > count, `${requests} requests`);
    const crashes = [...served].map((by) => node.swapper.stats('m', BigInt(by)).crashes);
    assert.equal(Math.max(...crashes), 0);
  });
});

function assertClose(bytes: Uint8Array, expected: Uint8Array | undefined): void {
  const worst = Math.max(...(expected ?? []).map((value, i) => Math.abs(value - (bytes[i] ?? NaN))));
  assert.ok(worst <= tolerance && bytes.length === expected?.length, `answer ${[...bytes].join()} is off by ${worst}`);
}

function countOf(list: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of list) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

function tally(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, n]) => `${n} ${name}`).join(', ');
}

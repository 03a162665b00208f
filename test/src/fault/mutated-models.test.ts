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
import { eventually } from '@atoll/base/eventually';
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
import { slowClassifier } from '../support/slow-classifier.js';

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
    expected = await answersOf(good);
    await place(1, good, expected);
    node = await startEdgeInference(
      // Not watched after it took over: what a busy machine does to latency is no matter of this test.
      {
        ...config,
        swap: { ...config.swap, trial: { ...config.swap.trial, durationMs: 0 } },
        repository: join(folder, 'repository'),
      },
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
  const place = async (
    number: number,
    bytes: Uint8Array,
    golden: readonly Uint8Array[],
    model = 'repository/m',
  ): Promise<string> => {
    const at = join(folder, model, String(number));
    await mkdir(join(at, 'golden'), { recursive: true });
    await writeFile(join(at, 'model.tflite'), bytes);
    for (const [i, input] of inputs.entries()) {
      await writeFile(join(at, 'golden', `${i}.input.bin`), input);
      await writeFile(join(at, 'golden', `${i}.output.bin`), golden[i] ?? input);
    }
    return at;
  };

  /** Offers it; "served", or the reason of its refusal. */
  const offer = async ({ bytes, seed }: Mutated): Promise<string> => {
    version++;
    const at = await place(version, bytes, expected);
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
  const ask = async (
    input: Uint8Array,
    service = open,
    modelName = 'm',
  ): Promise<{ version: string; bytes: Uint8Array }> => {
    const answer = await service.modelInfer(
      {
        modelName,
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

  /** Callers who ask without pause, and hold every answer against what the first version says. */
  const startLoad = (service = open, modelName = 'm') => {
    const answered = new Map<string, number>();
    const failures: unknown[] = [];
    const honest = expected;
    let ended = false;
    const load = Array.from({ length: clients }, async (_, client) => {
      for (let i = client; !ended; i++) {
        const which = i % inputs.length;
        try {
          const { version: by, bytes } = await ask(inputs[which] ?? good, service, modelName);
          answered.set(by, (answered.get(by) ?? 0) + 1);
          assertClose(bytes, honest[which]);
        } catch (error) {
          failures.push(error);
        }
      }
    });
    return {
      answered,
      failures,
      async end() {
        ended = true;
        await Promise.all(load);
      },
    };
  };

  test('a model that answers wrongly and one that is many times too slow are refused, and no request fails', async () => {
    const load = startLoad();
    const present = node.swapper.active('m')?.version;
    const offered = async (bytes: Uint8Array, golden: readonly Uint8Array[]): Promise<string> => {
      version++;
      await place(version, bytes, golden);
      return await node.repository.load('m', BigInt(version), never).then(
        () => 'served',
        (error: unknown) => String(error),
      );
    };
    const wrong = await offered(tinyClassifier({ seed: 8, size, classes: 6, io: 'uint8' }), expected);
    // Its golden cases are its own answers, so that nothing speaks against it but its time.
    const slow = slowClassifier(7, 8);
    const late = await offered(slow, await answersOf(slow));
    const { failures, answered } = load;
    await load.end();
    assert.match(wrong, /golden case 1 of 3: \d of 6 output elements are off by more than 1/);
    assert.match(late, /a run takes [\d.]+ ms, [\d.]+ times the [\d.]+ ms of the version in service, 8 times may be/);
    assert.equal(node.swapper.active('m')?.version, present);
    assert.deepEqual([...answered.keys()], [String(present)]);
    assert.deepEqual(failures.map(String), []);
  });

  test('a model that proves slow only once it serves goes again, and no request fails', async () => {
    const { swap, ...config } = standaloneConfig(cachePaths(process.env));
    const trial = { ...swap.trial, windowMs: 400, minSamples: 5 };
    await place(1, good, expected, 'patient/slow');
    const patient = await startEdgeInference(
      { ...config, swap: { ...swap, probeRatio: 0, trial }, repository: join(folder, 'patient') },
      { log: silentLogger, clock: systemClock },
    );
    const line = openChannel(patient.address);
    const load = startLoad(line.client(GRPCInferenceServiceService), 'slow');
    try {
      await eventually(() => assert.ok((load.answered.get('1') ?? 0) >= 50));
      const slow = slowClassifier(7, 8);
      await place(2, slow, await answersOf(slow), 'patient/slow');
      await patient.repository.load('slow', 2n, never);
      const lastDecision = () => patient.swapper.describe()[0]?.decisions.at(-1);
      await eventually(() => assert.equal(lastDecision()?.kind, 'returned'), 20_000);
      assert.match(
        lastDecision()?.reason ?? '',
        /^TOO_SLOW: p99 of [\d.]+ ms, [\d.]+ times the [\d.]+ ms of the other version, 3 times may be; back to v1$/,
      );
      assert.equal(patient.swapper.active('slow')?.version, 1n);
    } finally {
      await load.end();
      line.close();
      await patient.stop();
    }
    assert.deepEqual(load.failures.filter((error) => !/answer [\d,]+ is off by/.test(String(error))).map(String), []);
  });

  test(`${count} damaged files: none serves that does not answer its golden cases, and no request fails`, async (t: TestContext) => {
    // The version that serves by now passed the same golden cases.
    const served = new Set([String(node.swapper.active('m')?.version)]);
    const load = startLoad();
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
    const { answered, failures } = load;
    await load.end();
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

async function answersOf(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
  const { libraries } = standaloneConfig(cachePaths(process.env));
  const model = await openModel(bytes, { backend: 'auto', libraries });
  const answers = inputs.map((input) => model.runSync([input])[0] ?? new Uint8Array(0));
  await model.close();
  return answers;
}

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

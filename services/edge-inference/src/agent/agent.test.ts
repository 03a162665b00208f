import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { eventually } from '@atoll/base/eventually';
import { createLogger, type Logger } from '@atoll/base/log';
import { type Bus, connectBus } from '@atoll/bus/connect';
import { type ControllerBus, openControllerBus } from '@atoll/bus/controller-bus';
import { type Credentials, credentialsOf } from '@atoll/bus/credentials';
import { encodeUserSeed } from '@atoll/bus/nkey';
import { findNatsServer, natsServerMissing, startTestServer, type TestServer } from '@atoll/bus/test-server';
import { type DesiredState, NodePhase, type SoakPolicy, type StatusReport } from '@atoll/proto/atoll/v1/release';
import { sealDesired } from '@atoll/release/desired';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { generateKeyPair, writePrivateKey, writePublicKeys } from '@atoll/release/keys';
import { openStatus } from '@atoll/release/status';
import { type Agent, type AgentOptions, startAgent } from './agent.js';
import { createMemorySwapper, type MemorySwapper } from './memory-swapper-for-tests.js';
import type { ModelRef } from './decide.js';
import { startTestRegistry, type TestRegistry } from './registry-for-tests.js';

const program = await findNatsServer(process.env);
const {
  NODE_PHASE_STEADY: STEADY,
  NODE_PHASE_FAILED: FAILED,
  NODE_PHASE_ROLLED_BACK: ROLLED_BACK,
  NODE_PHASE_SOAKING: SOAKING,
} = NodePhase;

describe(
  'agent over a real nats-server and real gRPC',
  { skip: program === undefined ? natsServerMissing : false, timeout: 120_000 },
  () => {
    const director = generateKeyPair();
    const nodeKey = generateKeyPair();
    // A node of its own a test, or a test would catch up with what the one before it was told.
    const seeds = Array.from({ length: 40 }, () => encodeUserSeed(randomBytes(32)));
    let nodeId = '';
    const controllerLogin: Credentials = credentialsOf(encodeUserSeed(randomBytes(32)));
    const agents = new Set<Agent>();
    let lines: string[] = [];
    const log: Logger = createLogger({ service: 'test', write: (line) => void lines.push(line) });
    let folder: string;
    let nats: TestServer;
    let registry: TestRegistry;
    let bus: Bus;
    let controller: ControllerBus;
    let reports: StatusReport[] = [];
    let beats = 0;
    let swapper: MemorySwapper;
    let generation = 0n;
    let dataDir: string;
    let runs = 0;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'atoll-agent-'));
      registry = await startTestRegistry(folder);
      await writePrivateKey(join(folder, 'node.pem'), nodeKey.privateKey);
      await writePublicKeys(join(folder, 'build.pem'), [registry.build.publicKey]);
      await writePublicKeys(join(folder, 'director.pem'), [director.publicKey]);
      nats = await startTestServer(program ?? '', {
        controllerPublicNkey: controllerLogin.publicNkey,
        nodes: seeds.map((seed, index) => ({ id: `n-${index}`, publicNkey: credentialsOf(seed).publicNkey })),
      });
      const signal = AbortSignal.any([]);
      bus = await connectBus({ servers: [nats.url], credentials: controllerLogin, name: 'controller', log, signal });
      controller = await openControllerBus(bus);
      controller.onStatus((id, bytes) => {
        if (id !== nodeId) return;
        reports.push(openStatus(decodeEnvelope(bytes, payloadTypes.status), nodeKey.publicKey, nodeId));
      });
      controller.onHeartbeat(() => void beats++);
    });
    after(async () => {
      await controller.close();
      await bus.close();
      await nats.stop();
      await registry.stop();
      await rm(folder, { recursive: true });
    });
    beforeEach(async () => {
      reports = [];
      lines = [];
      registry.spoil(undefined);
      swapper = createMemorySwapper();
      dataDir = join(folder, `data-${++runs}`);
      nodeId = `n-${runs}`;
      await writeFile(join(folder, 'node.seed'), seeds[runs] ?? '');
    });
    afterEach(async () => {
      for (const agent of agents) await agent.stop();
      agents.clear();
    });

    const start = async (change: Partial<AgentOptions> = {}): Promise<Agent> => {
      const agent = await startAgent({
        nodeId,
        labels: { site: 'here' },
        nodeKeyPath: join(folder, 'node.pem'),
        buildKeysPath: join(folder, 'build.pem'),
        directorKeysPath: join(folder, 'director.pem'),
        registry: registry.address,
        natsUrl: nats.url,
        natsCredentialsPath: join(folder, 'node.seed'),
        dataDir,
        address: '127.0.0.1:7411',
        swapper,
        log,
        heartbeatMs: 200,
        ...change,
      });
      agents.add(agent);
      return agent;
    };
    const stop = async (agent: Agent): Promise<void> => {
      agents.delete(agent);
      await agent.stop();
    };
    const unset = { attempt: 1, wave: 1, notBeforeUnixMs: 0n, rootVersion: 0n };
    const quick: SoakPolicy = {
      durationMs: 0,
      minRequests: 5,
      maxErrorRate: 0.1,
      maxLatencyRatio: 3,
      prepareDeadlineMs: 20_000,
    };
    const desired = (ref: ModelRef, change: Partial<DesiredState> = {}): DesiredState => ({
      nodeId,
      generation: ++generation,
      rollout: 'r',
      ...ref,
      downgradeOk: false,
      ...unset,
      expiresUnixMs: BigInt(Date.now() + 600_000),
      createdUnixMs: BigInt(Date.now()),
      soak: quick,
      ...change,
    });
    const put = async (state: DesiredState): Promise<DesiredState> => {
      await controller.putDesired(nodeId, encodeEnvelope(sealDesired(state, director.privateKey)));
      return state;
    };
    const reported = (what: Partial<StatusReport>): Promise<StatusReport> =>
      eventually(() => {
        const last = reports.at(-1);
        assert.ok(last, 'nothing was reported');
        for (const [key, value] of Object.entries(what)) assert.deepEqual(last[key as keyof StatusReport], value, key);
        return last;
      }, 20_000);
    /** A node that has committed version `version`. */
    const committed = async (version: bigint): Promise<ModelRef & { readonly file: Buffer }> => {
      const ref = await registry.publish('m', version);
      const state = await put(desired(ref, { downgradeOk: true }));
      await reported({ phase: STEADY, version, observedGeneration: state.generation });
      return ref;
    };

    test('a first release: fetched, tried, committed and reported with all that a controller wants to know; heartbeats come', async () => {
      await start();
      const ref = await registry.publish('m', 1n);
      const state = await put(desired(ref));
      const report = await reported({ phase: STEADY, version: 1n, observedGeneration: state.generation });
      assert.deepEqual(
        [report.model, report.manifestSha256, report.backend, report.address, report.labels],
        ['m', ref.manifestSha256, 'memory', '127.0.0.1:7411', { site: 'here' }],
      );
      assert.deepEqual([report.attempt, report.alarms, report.clockOffsetMs, report.previousVersion], [1, [], 0n, 0n]);
      assert.deepEqual(swapper.flips, [1n]);
      await eventually(() => assert.ok(beats > 1));
    });

    test('a desired state is acted upon within a second of its put', async () => {
      await start();
      await committed(1n);
      const next = await registry.publish('m', 2n);
      await put(desired(next));
      await eventually(() => assert.ok(swapper.flips.includes(2n)), 1_000);
    });

    test('the same generation again is nothing; another state for it is an alarm in the report, and the first one stays', async () => {
      await start();
      const ref = await committed(1n);
      const other = await registry.publish('m', 2n);
      await put(desired(other, { generation }));
      await reported({ alarms: ['EQUIVOCATION'], version: 1n });
      await put(desired(other, { generation: 1n }));
      const last = await put(desired(ref));
      await reported({ phase: STEADY, observedGeneration: last.generation, alarms: [] });
      assert.deepEqual(swapper.flips, [1n]);
    });

    test("another director's, another node's and an expired state change nothing", async () => {
      await start();
      const ref = await committed(1n);
      const next = await registry.publish('m', 2n);
      await controller.putDesired(nodeId, encodeEnvelope(sealDesired(desired(next), generateKeyPair().privateKey)));
      await put(desired(next, { nodeId: 'other' }));
      await put(desired(next, { createdUnixMs: 1n, expiresUnixMs: 2n }));
      await controller.putDesired(nodeId, randomBytes(100));
      await eventually(() => assert.ok(lines.filter((line) => line.includes('refused a desired state')).length >= 4));
      const last = await put(desired(ref));
      await reported({ phase: STEADY, observedGeneration: last.generation });
      assert.deepEqual(swapper.flips, [1n]);
    });

    const failures: [string, (version: bigint) => Promise<ModelRef>, string][] = [
      [
        'wrong golden answers',
        async (version) => {
          swapper.behave(version, { fails: 'GOLDEN_MISMATCH' });
          return registry.publish('m', version);
        },
        'GOLDEN_MISMATCH',
      ],
      [
        'a file that comes damaged',
        async (version) => {
          registry.spoil(() => (async function* () {})());
          return registry.publish('m', version);
        },
        'CORRUPT_BLOB',
      ],
      [
        'a release that no trusted builder signed',
        (version) => registry.publish('m', version, { key: generateKeyPair() }),
        'BAD_SIGNATURE',
      ],
      ['a version below the present one without leave', () => registry.publish('m', 4n), 'DOWNGRADE'],
    ];
    for (const [what, publish, code] of failures) {
      test(`${what}: FAILED with ${code}, the old version never left service`, async () => {
        await start();
        await committed(5n);
        const state = await put(desired(await publish(6n)));
        const denied = code === 'GOLDEN_MISMATCH' ? 1 : 0;
        await reported({ phase: FAILED, reasonCode: code, version: 5n, observedGeneration: state.generation, denied });
        assert.deepEqual(swapper.flips, [5n]);
      });
    }

    test('a release that raises the floor is never gone below again, with leave or without', async () => {
      await start();
      await committed(1n);
      const raising = await registry.publish('m', 3n, { manifest: { minVersionFloor: 3n } });
      await put(desired(raising));
      await reported({ phase: STEADY, version: 3n });
      await put(desired(await registry.publish('m', 2n), { downgradeOk: true }));
      await reported({ phase: FAILED, reasonCode: 'BELOW_FLOOR', version: 3n });
    });

    test('a version that turns ten times slower in its soak: ROLLED_BACK to the version before', async () => {
      await start();
      await committed(1n);
      for (let request = 0; request < 500; request++) swapper.answered('m', 1n, 8);
      const slow = await registry.publish('m', 2n);
      await put(desired(slow, { soak: { ...quick, durationMs: 60_000 } }));
      const soaking = await reported({ phase: SOAKING, version: 2n });
      const traffic = setInterval(() => swapper.answered('m', 2n, 80), 20);
      try {
        const report = await reported({ phase: ROLLED_BACK, reasonCode: 'TOO_SLOW', version: 1n });
        assert.match(report.message, /times the 8\.\d ms/);
        assert.ok(report.sequence > soaking.sequence);
      } finally {
        clearInterval(traffic);
      }
      assert.deepEqual(swapper.flips, [1n, 2n, 1n]);
    });

    test('a crash in the soak: ROLLED_BACK', async () => {
      await start();
      await committed(1n);
      await put(desired(await registry.publish('m', 2n), { soak: { ...quick, durationMs: 60_000 } }));
      await reported({ phase: SOAKING, version: 2n });
      swapper.recorder('m', 2n).crashed();
      await reported({ phase: ROLLED_BACK, reasonCode: 'CRASHED', version: 1n });
    });

    test('a first release that crashes in its soak leaves service, because there is nothing to go back to', async () => {
      await start();
      await put(desired(await registry.publish('m', 2n), { soak: { ...quick, durationMs: 60_000 } }));
      await reported({ phase: SOAKING, version: 2n });
      swapper.recorder('m', 2n).crashed();
      await reported({ phase: ROLLED_BACK, reasonCode: 'CRASHED', model: '', version: 0n });
      assert.equal(swapper.active('m'), undefined);
    });

    test('a newer generation pre-empts a probe that hangs, a registry that is silent, and a soak', async () => {
      await start();
      await committed(1n);
      swapper.behave(2n, { hangs: true });
      await put(desired(await registry.publish('m', 2n)));
      await reported({ phase: NodePhase.NODE_PHASE_SELFTEST });
      registry.spoil(() =>
        (async function* () {
          yield await new Promise<Uint8Array>(() => undefined);
        })(),
      );
      await put(desired(await registry.publish('m', 3n)));
      await reported({ phase: NodePhase.NODE_PHASE_DOWNLOADING });
      registry.spoil(undefined);
      await put(desired(await registry.publish('m', 4n), { soak: { ...quick, durationMs: 60_000 } }));
      await reported({ phase: SOAKING, version: 4n });
      await put(desired(await registry.publish('m', 5n)));
      await reported({ phase: STEADY, version: 5n });
      assert.deepEqual(swapper.flips, [1n, 4n, 1n, 5n]);
    });

    test('preparation beyond its deadline: FAILED with PREPARE_TIMEOUT', async () => {
      await start();
      await committed(1n);
      registry.spoil(() =>
        (async function* () {
          yield await new Promise<Uint8Array>(() => undefined);
        })(),
      );
      await put(desired(await registry.publish('m', 2n), { soak: { ...quick, prepareDeadlineMs: 300 } }));
      await reported({ phase: FAILED, reasonCode: 'PREPARE_TIMEOUT', version: 1n });
    });

    test('a start without any network serves the committed release, and what was put meanwhile is caught up with', async () => {
      const first = await start();
      await committed(1n);
      await stop(first);
      swapper = createMemorySwapper();
      const offline = await start({ natsUrl: 'nats://127.0.0.1:1', registry: '127.0.0.1:1' });
      assert.equal(swapper.active('m')?.version, 1n);
      await stop(offline);
      const meanwhile = await put(desired(await registry.publish('m', 2n)));
      swapper = createMemorySwapper();
      await start();
      await reported({ phase: STEADY, version: 2n, observedGeneration: meanwhile.generation });
      assert.deepEqual(swapper.flips, [1n, 2n]);
    });

    test('labels that no report could carry are refused at the start, in one line', async () => {
      const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, 'v']));
      await assert.rejects(start({ labels: many }), { code: 'INVALID_ARGUMENT', message: /it has 33 labels/ });
      const long = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`k${index}`, 'v'.repeat(1_000)]));
      await assert.rejects(start({ labels: long }), { code: 'INVALID_ARGUMENT', message: /bytes of .*status/ });
    });

    test('a committed file that rotted on the disk is not loaded but fetched again', async () => {
      const first = await start();
      const ref = await committed(1n);
      await stop(first);
      const manifest = modelFile(dataDir, sha256(ref.file));
      await writeFile(manifest, 'rotten');
      swapper = createMemorySwapper();
      await start();
      await eventually(() => assert.equal(swapper.active('m')?.version, 1n), 20_000);
      assert.notEqual(await readFile(manifest, 'utf8'), 'rotten');
    });

    test('a newer state is taken up though the committed release hangs while it is tried again', async () => {
      const first = await start();
      await committed(1n);
      await stop(first);
      const fresh = createMemorySwapper();
      fresh.behave(1n, { fails: 'LOAD_FAILED' });
      let tries = 0;
      let hang: () => void = () => undefined;
      const hanging = new Promise<void>((resolve) => (hang = resolve));
      swapper = {
        ...fresh,
        activate: (pkg, signal, onStage) => {
          if (pkg.version === 1n && ++tries === 2) {
            fresh.behave(1n, { hangs: true });
            hang();
          }
          return fresh.activate(pkg, signal, onStage);
        },
      };
      await start();
      await hanging;
      await put(desired(await registry.publish('m', 2n)));
      await reported({ phase: STEADY, version: 2n });
    });

    test('a stop within the soak is no crash: the candidate is tried again and committed after the start', async () => {
      const first = await start();
      await committed(1n);
      await put(desired(await registry.publish('m', 2n), { soak: { ...quick, durationMs: 1_500 } }));
      await reported({ phase: SOAKING, version: 2n });
      await stop(first);
      swapper = createMemorySwapper();
      await start();
      assert.equal(swapper.active('m')?.version, 1n);
      await reported({ phase: STEADY, version: 2n });
      assert.deepEqual(swapper.flips, [1n, 2n]);
    });
  },
);

/** Where the node keeps the release's one model file. */
function modelFile(dataDir: string, digest: string): string {
  return join(dataDir, 'agent', 'releases', 'blobs', digest.slice(0, 2), digest);
}

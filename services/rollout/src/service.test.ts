import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '@atoll/base/clock';
import { eventually } from '@atoll/base/eventually';
import type { Running } from '@atoll/base/lifecycle';
import { silentLogger } from '@atoll/base/log';
import { connectBus } from '@atoll/bus/connect';
import { createCredentials } from '@atoll/bus/credentials';
import { inboxPrefix } from '@atoll/bus/names';
import { openNodeBus } from '@atoll/bus/node-bus';
import { findNatsServer, natsServerMissing, startTestServer, type TestServer } from '@atoll/bus/test-server';
import type { Envelope } from '@atoll/proto/atoll/v1/release';
import {
  AbortPolicy,
  RolloutNodeState,
  RolloutPhase,
  RolloutServiceService,
  RolloutSpec,
} from '@atoll/proto/atoll/v1/rollout';
import { generateKeyPair, publicKeyPem, writePrivateKey, writePublicKeys } from '@atoll/release/keys';
import { sealRelease } from '@atoll/release/manifest';
import { sampleManifest } from '@atoll/release/samples-for-tests';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import type { RolloutConfig } from './config.js';
import { NodeForTests } from './node-for-tests.js';
import { startRegistryForTests } from './registry-for-tests.js';
import { startRollout } from './service.js';

const program = await findNatsServer(process.env);
const skip = program === undefined ? natsServerMissing : false;

describe('rollout service over real gRPC and a real nats-server', { skip, timeout: 60_000 }, () => {
  const signal = new AbortController().signal;
  const build = generateKeyPair();
  const director = generateKeyPair();
  const nodes = ['a', 'b', 'c'].map((id) => new NodeForTests(id, director.publicKey, systemClock));
  const releases = new Map<bigint, Envelope>();
  const ends: (() => unknown)[] = [];
  let folder: string;
  let nats: TestServer;
  let config: RolloutConfig;
  let running: Running;
  let channel: Channel;
  let closing = false;

  const release = (version: bigint, key = build.privateKey): void => {
    const createdUnixMs = BigInt(Date.now());
    const manifest = sampleManifest({ version, createdUnixMs, expiresUnixMs: createdUnixMs + 3_600_000n });
    releases.set(version, sealRelease(manifest, key));
  };
  const client = () => channel.client(RolloutServiceService);
  const spec = (version: bigint): RolloutSpec =>
    RolloutSpec.fromPartial({ model: 'birds', version, waves: ['1', '100%'] });
  const open = async (): Promise<void> => {
    running = await startRollout(config, { log: silentLogger, clock: systemClock });
    channel = openChannel(running.address);
  };
  const close = async (): Promise<void> => {
    channel.close();
    await running.stop();
  };
  /** Follows a rollout to its end; gives the last standing. */
  const follow = async (name: string) => {
    const seen = [];
    for await (const { rollout } of client().watchRollout({ name }, { timeoutMs: 20_000 })) seen.push(rollout);
    const last = seen.at(-1);
    assert.ok(last);
    return last;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'atoll-rollout-'));
    const at = (name: string): string => join(folder, name);
    const controller = await createCredentials(at('controller.seed'));
    const logins = await Promise.all(
      nodes.map(async ({ id }) => ({ id, login: await createCredentials(at(`${id}.seed`)) })),
    );
    nats = await startTestServer(program ?? '', {
      controllerPublicNkey: controller.publicNkey,
      nodes: logins.map(({ id, login }) => ({ id, publicNkey: login.publicNkey })),
    });
    await writePrivateKey(at('director.pem'), director.privateKey);
    await writePublicKeys(at('build-keys.pem'), [build.publicKey]);
    const enrolled = nodes.map(({ id, keys }) => ({
      id,
      publicKey: publicKeyPem(keys.publicKey),
      labels: { name: id },
    }));
    await writeFile(at('nodes.json'), JSON.stringify(enrolled));
    const registry = await startRegistryForTests(releases);
    ends.push(() => registry.stop());
    config = {
      listen: '127.0.0.1:0',
      dataDir: at('data'),
      directorKeyPath: at('director.pem'),
      buildKeysPath: at('build-keys.pem'),
      nodesPath: at('nodes.json'),
      registry: registry.address,
      natsUrl: nats.url,
      natsCredentialsPath: at('controller.seed'),
      offlineAfterMs: 30_000,
      leaseMs: 1_000,
      logLevel: 'error',
    };
    await open();
    for (const [index, node] of nodes.entries()) {
      const credentials = logins[index]?.login;
      assert.ok(credentials);
      const { id } = node;
      const servers = [nats.url];
      const options = { servers, credentials, name: id, inboxPrefix: inboxPrefix(id), log: silentLogger, signal };
      const bus = await connectBus(options);
      const nodeBus = openNodeBus(bus, id);
      ends.push(
        () => bus.close(),
        () => nodeBus.close(),
      );
      // One after the other, as a node does: a report that is sent again must not overtake a newer one.
      let before = Promise.resolve();
      node.send = (bytes) => {
        const send = async (): Promise<void> => {
          if (!closing) await nodeBus.publishStatus(bytes);
        };
        before = before.then(() => eventually(send));
      };
      ends.push(() => before);
      nodeBus.onDesired((bytes) => node.hear(bytes));
      node.start();
    }
    await eventually(async () => {
      const { nodes: listed } = await client().listNodes({ pageSize: 0, pageToken: '' });
      assert.deepEqual(
        listed.map(({ id, online }) => [id, online]),
        nodes.map(({ id }) => [id, true]),
      );
    });
  });
  after(async () => {
    closing = true;
    await close();
    for (const end of ends.toReversed()) await end();
    await nats.stop();
    await rm(folder, { recursive: true });
  });

  test('StartRollout refuses a version that the registry lacks, and a release that no build key signed', async () => {
    await assert.rejects(client().startRollout({ spec: spec(9n) }), { code: 'NOT_FOUND' });
    release(8n, generateKeyPair().privateKey);
    await assert.rejects(client().startRollout({ spec: spec(8n) }), { code: 'PERMISSION_DENIED' });
    await assert.rejects(client().startRollout({ spec: undefined }), { code: 'INVALID_ARGUMENT' });
    assert.deepEqual((await client().listRollouts({ pageSize: 0, pageToken: '' })).rollouts, []);
  });

  test('a rollout reaches every node; WatchRollout ends with it', async () => {
    release(1n);
    const { rollout } = await client().startRollout({ spec: spec(1n) });
    assert.equal(rollout?.spec?.name, 'birds-v1');
    assert.deepEqual(
      rollout.waves.map(({ nodeIds }) => nodeIds.length),
      [1, 2],
    );
    const last = await follow('birds-v1');
    assert.equal(last?.phase, RolloutPhase.ROLLOUT_PHASE_COMPLETE, last?.message);
    assert.equal(last.counts?.committed, 3);
    assert.ok(nodes.every(({ version }) => version === 1n));
  });

  test('the broker is killed and loses everything in the middle of a wave: the rollout goes on', async () => {
    release(2n);
    for (const node of nodes) node.behaviour = () => 'soak';
    const { rollout } = await client().startRollout({ spec: spec(2n) });
    const canary = nodes.find(({ id }) => id === rollout?.waves[0]?.nodeIds[0]);
    assert.ok(canary);
    await eventually(() => assert.equal(canary.generation, 2n));
    await nats.restart(true);
    for (const node of nodes) node.behaviour = () => 'commit';
    canary.finish();
    const last = await follow('birds-v2');
    assert.equal(last?.phase, RolloutPhase.ROLLOUT_PHASE_COMPLETE, last?.message);
    for (const node of nodes) assert.deepEqual(node.taken, ['1:v1', '2:v2'], node.id);
  });

  test('a version that fails on its first node is reverted; the controller was restarted meanwhile', async () => {
    release(3n);
    for (const node of nodes) node.behaviour = () => 'soak';
    const { rollout } = await client().startRollout({ spec: spec(3n) });
    const canary = nodes.find(({ id }) => id === rollout?.waves[0]?.nodeIds[0]);
    assert.ok(canary);
    await eventually(() => assert.equal(canary.generation, 3n));
    await close();
    canary.report('ROLLED_BACK', 'TOO_SLOW');
    await open();
    const last = await follow('birds-v3');
    assert.equal(last?.phase, RolloutPhase.ROLLOUT_PHASE_REVERTED, last?.message);
    assert.equal(last.reason, 'TooManyFailures');
    assert.match(last.message, new RegExp(`${canary.id} TOO_SLOW`));
    assert.deepEqual([last.counts?.rolledBack, last.counts?.pending], [1, 2]);
    assert.deepEqual(
      nodes.map(({ version }) => version),
      [2n, 2n, 2n],
    );
    assert.deepEqual(
      nodes.map(({ generation }) => generation).toSorted((a, b) => Number(a - b)),
      [2n, 2n, 4n],
    );
  });

  test('PauseRollout, ExplainRollout, ListRolloutNodes, PromoteRollout and WatchEvents over the wire', async () => {
    release(4n);
    for (const node of nodes) node.behaviour = () => 'commit';
    const asked = RolloutSpec.fromPartial({ model: 'birds', version: 4n, waves: ['1', '2', '100%'], approve: true });
    const { rollout } = await client().startRollout({ spec: asked });
    assert.deepEqual([rollout?.spec?.approve, rollout?.spec?.minSamples, rollout?.spec?.siteLabel], [true, 20, 'site']);
    const watching = new AbortController();
    const kinds: string[] = [];
    const events = client().watchEvents({ fromOffset: 0n, rollout: 'birds-v4' }, { signal: watching.signal });
    const watched = (async () => {
      for await (const { event } of events) {
        kinds.push(event?.kind ?? '');
        if (event?.kind === 'RolloutComplete') return;
      }
    })();
    const paused = async (): Promise<void> => {
      const { rollout: now } = await client().getRollout({ name: 'birds-v4' });
      assert.equal(now?.phase, RolloutPhase.ROLLOUT_PHASE_PAUSED);
    };
    await eventually(paused);
    const { waits, next, verbs } = await client().explainRollout({ name: 'birds-v4' });
    assert.deepEqual([waits[0]?.kind, verbs[0]], ['approval', 'promote birds-v4']);
    assert.ok(next.includes('wave 2 of 3 begins'), next.join('\n'));
    await assert.rejects(client().resumeRollout({ name: 'birds-v4' }), { code: 'FAILED_PRECONDITION' });
    await client().pauseRollout({ name: 'birds-v4' });
    await assert.rejects(client().retryRollout({ name: 'birds-v4' }), { message: /no node of it has failed/ });
    const page = { name: 'birds-v4', states: [], wave: 0, pageSize: 2, pageToken: '' };
    const first = await client().listRolloutNodes(page);
    const rest = await client().listRolloutNodes({ ...page, pageToken: first.nextPageToken });
    assert.deepEqual([first.nodes.length, rest.nodes.length, rest.nextPageToken], [2, 1, '']);
    const committed = { ...page, states: [RolloutNodeState.ROLLOUT_NODE_STATE_COMMITTED] };
    const [done, ...others] = (await client().listRolloutNodes(committed)).nodes;
    assert.deepEqual([done?.wave, done?.attempt, done?.previousVersion, others], [1, 1, 2n, []]);
    await client().promoteRollout({ name: 'birds-v4', full: true });
    assert.equal((await follow('birds-v4')).phase, RolloutPhase.ROLLOUT_PHASE_COMPLETE);
    await watched;
    watching.abort();
    assert.equal(kinds[0], 'RolloutStarted');
    assert.ok(kinds.includes('RolloutPaused') && kinds.filter((kind) => kind === 'WavePassed').length === 3);
  });

  test('UndoRollout and AbortRollout answer for what they cannot do; ListEvents tells who did what', async () => {
    await assert.rejects(client().undoRollout({ name: 'birds-v1' }), { code: 'FAILED_PRECONDITION' });
    const policy = AbortPolicy.ABORT_POLICY_KEEP;
    await assert.rejects(client().abortRollout({ name: 'birds-v1', policy }), { code: 'FAILED_PRECONDITION' });
    await assert.rejects(client().getRollout({ name: 'none' }), { code: 'NOT_FOUND' });
    const { events } = await client().listEvents({ fromOffset: 0n, pageSize: 0 });
    assert.deepEqual((await client().listEvents({ fromOffset: (1n << 64n) - 1n, pageSize: 0 })).events, []);
    assert.deepEqual(
      events.map(({ offset }) => offset),
      events.map((_, index) => BigInt(index + 1)),
    );
    const kinds = new Map(events.map(({ kind, actor }) => [kind, actor]));
    assert.equal(kinds.get('RolloutStarted'), 'operator');
    assert.equal(kinds.get('RolloutReverting'), 'controller');
    assert.ok(nodes.some(({ id }) => id === kinds.get('NodeRolledBack')));
    assert.equal((await client().describeFleet({})).registry, config.registry);
  });

  test('a second controller over the same database stands by, and takes over when the first is gone', async () => {
    const other = await startRollout(config, { log: silentLogger, clock: systemClock });
    const otherChannel = openChannel(other.address);
    const otherClient = otherChannel.client(RolloutServiceService);
    await assert.rejects(otherClient.getRollout({ name: 'birds-v1' }), { code: 'UNAVAILABLE', message: /stands by/ });
    assert.equal((await client().getRollout({ name: 'birds-v1' })).rollout?.wave, 2);
    await running.stop();
    await eventually(async () => {
      assert.equal((await otherClient.getRollout({ name: 'birds-v1' })).rollout?.wave, 2);
    });
    for (const node of nodes) node.behaviour = () => 'commit';
    release(4n);
    await otherClient.startRollout({ spec: spec(4n) });
    await eventually(() => assert.ok(nodes.every(({ version }) => version === 4n)));
    otherChannel.close();
    await other.stop();
  });

  test('nodes that join while the controller runs are of the fleet, nodes that leave are told nothing more', async () => {
    await open();
    const path = config.nodesPath;
    const enrolled = JSON.parse(await readFile(path, 'utf8')) as { readonly id: string }[];
    const ids = async (): Promise<string[]> =>
      (await client().listNodes({ pageSize: 0, pageToken: '' })).nodes.map(({ id }) => id);
    await writeFile(path, JSON.stringify(enrolled.filter(({ id }) => id !== 'c')));
    await eventually(async () => assert.deepEqual(await ids(), ['a', 'b']));
    await writeFile(path, 'no JSON');
    release(5n);
    const { rollout } = await client().startRollout({ spec: spec(5n) });
    assert.deepEqual(rollout?.waves.flatMap(({ nodeIds }) => nodeIds).toSorted(), ['a', 'b']);
    await follow('birds-v5');
    assert.deepEqual(
      nodes.map(({ version }) => version),
      [5n, 5n, 4n],
    );
    await writeFile(path, JSON.stringify(enrolled));
    await eventually(async () => assert.deepEqual(await ids(), ['a', 'b', 'c']));
  });
});

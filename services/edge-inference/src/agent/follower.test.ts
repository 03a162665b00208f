import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import type { DesiredState, SoakPolicy } from '@atoll/proto/atoll/v1/release';
import { readDesired, sealDesired } from '@atoll/release/desired';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { generateKeyPair, publicKeySet } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import { createBlobSources } from './blob-sources.js';
import type { ModelRef } from './decide.js';
import { createFollower } from './follower.js';
import { type Journal, openJournal } from './journal.js';
import { createMemorySwapper } from './memory-swapper-for-tests.js';
import { startTestRegistry } from './registry-for-tests.js';
import { openReleaseStore } from './release-store.js';

const quick = { durationMs: 0, minRequests: 1, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 20_000 };

/** A follower over a real registry; `journalOf` may put something before its journal. */
async function startFollower(t: TestContext, journalOf: (journal: Journal) => Journal = (journal) => journal) {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-follower-'));
  const registry = await startTestRegistry(folder);
  const channel = openChannel(registry.address);
  const director = generateKeyPair();
  const swapper = createMemorySwapper();
  const journal = journalOf(openJournal(folder));
  const store = await openReleaseStore(join(folder, 'releases'), 1e9);
  const follower = createFollower({
    nodeId: 'n',
    journal,
    open: (bytes) => readDesired(decodeEnvelope(bytes, payloadTypes.desired), publicKeySet([director.publicKey])),
    log: silentLogger,
    release: {
      swapper,
      store,
      channel,
      sources: createBlobSources([{ name: 'registry', channel }], () => 0),
      buildKeys: publicKeySet([registry.build.publicKey]),
    },
    onNews: () => undefined,
  });
  follower.start();
  t.after(async () => {
    await follower.stop();
    channel.close();
    await registry.stop();
    await rm(folder, { recursive: true });
  });
  let generation = 0n;
  const tell = (
    { model, version, manifestSha256 }: ModelRef,
    soak: SoakPolicy = quick,
    change: Partial<DesiredState> = {},
  ): void => {
    const times = { createdUnixMs: BigInt(Date.now()), expiresUnixMs: BigInt(Date.now() + 600_000) };
    const order = { nodeId: 'n', generation: ++generation, rollout: 'r', downgradeOk: true };
    const unset = { attempt: 1, wave: 1, notBeforeUnixMs: 0n, rootVersion: 0n };
    const state = { ...order, ...unset, ...times, model, version, manifestSha256, soak, ...change };
    follower.deliver(encodeEnvelope(sealDesired(state, director.privateKey)));
  };
  return { follower, journal, registry, swapper, tell };
}

const limits = { timeout: 60_000 };

test(
  'a follower that commits another model takes the one before out of service, and goes back when told',
  limits,
  async (t) => {
    const { journal, registry, swapper, tell } = await startFollower(t);
    const follow = async (ref: ModelRef): Promise<void> => {
      tell(ref);
      await eventually(() => {
        assert.deepEqual([journal.state.phase, journal.state.active?.model], ['STEADY', ref.model]);
        for (const name of ['birds', 'fish'])
          assert.equal(swapper.active(name) !== undefined, name === ref.model, name);
      });
    };
    const birds = await registry.publish('birds', 1n);
    await follow(birds);
    await follow(await registry.publish('fish', 1n));
    await follow(birds);
  },
);

test('a follower whose disk is full ends all the same', limits, async (t) => {
  let full = false;
  const { follower, journal, registry, tell } = await startFollower(t, (real) => ({
    get state() {
      return real.state;
    },
    write: (state) => {
      if (full) throw new AtollError('FAILED_PRECONDITION', 'cannot write the journal: the disk is full');
      real.write(state);
    },
  }));
  tell(await registry.publish('birds', 1n), { ...quick, durationMs: 600_000 });
  await eventually(() => assert.equal(journal.state.phase, 'SOAKING'));
  full = true;
  await follower.stop();
  assert.equal(journal.state.phase, 'SOAKING');
});

test('a release that failed its self-test is refused until a higher attempt', limits, async (t) => {
  const { follower, registry, swapper, tell } = await startFollower(t);
  const ends = (phase: string, code?: string): Promise<void> =>
    eventually(() => assert.deepEqual([follower.state.phase, follower.state.reason?.code], [phase, code]));
  tell(await registry.publish('birds', 1n));
  await ends('STEADY');
  for (let request = 0; request < 30; request++) swapper.answered('birds', 1n, 8);
  swapper.behave(2n, { fails: 'GOLDEN_MISMATCH' });
  const ref = await registry.publish('birds', 2n);
  tell(ref);
  await ends('FAILED', 'GOLDEN_MISMATCH');
  swapper.behave(2n, {});
  tell(ref);
  await ends('FAILED', 'DENIED');
  assert.deepEqual(swapper.flips, [1n]);
  tell(ref, quick, { attempt: 2 });
  await ends('STEADY');
  assert.deepEqual([swapper.flips, follower.state.denied], [[1n, 2n], []]);
  assert.equal(follower.state.baseline?.requests, 30);
});

test('a newest state that expires, or was expired when it came, is an alarm; serving goes on', limits, async (t) => {
  const { follower, journal, registry, swapper, tell } = await startFollower(t);
  const ref = await registry.publish('birds', 1n);
  tell(ref, quick, { expiresUnixMs: BigInt(Date.now() + 1_000) });
  await eventually(() => assert.deepEqual(follower.alarms(), ['STALE_METADATA']));
  assert.equal(journal.state.phase, 'STEADY');
  tell(ref);
  await eventually(() => assert.deepEqual(follower.alarms(), []));
  tell(ref, quick, { createdUnixMs: 1n, expiresUnixMs: 2n });
  await eventually(() => assert.deepEqual(follower.alarms(), ['STALE_METADATA']));
  assert.equal(swapper.active('birds')?.version, 1n);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { sealDesired } from '@atoll/release/desired';
import { encodeEnvelope } from '@atoll/release/envelope';
import { generateKeyPair, publicKeySet } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import type { ModelRef } from './decide.js';
import { createFollower } from './follower.js';
import { openJournal } from './journal.js';
import { createMemorySwapper } from './memory-swapper-for-tests.js';
import { startTestRegistry } from './registry-for-tests.js';
import { openReleaseStore } from './release-store.js';

test('a follower that commits another model takes the one before out of service, and goes back to it when told', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-follower-'));
  const registry = await startTestRegistry(folder);
  const channel = openChannel(registry.address);
  const director = generateKeyPair();
  const swapper = createMemorySwapper();
  const journal = openJournal(folder);
  const store = await openReleaseStore(join(folder, 'releases'), 1e9);
  const follower = createFollower({
    nodeId: 'n',
    journal,
    directorKeys: publicKeySet([director.publicKey]),
    log: silentLogger,
    release: { swapper, store, channel, buildKeys: publicKeySet([registry.build.publicKey]) },
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
  const soak = { durationMs: 0, minRequests: 1, maxErrorRate: 1, maxLatencyRatio: 0, prepareDeadlineMs: 20_000 };
  const follow = async ({ model, version, manifestSha256 }: ModelRef): Promise<void> => {
    const times = { createdUnixMs: BigInt(Date.now()), expiresUnixMs: BigInt(Date.now() + 600_000) };
    const order = { nodeId: 'n', generation: ++generation, rollout: 'r', downgradeOk: true };
    const state = { ...order, ...times, model, version, manifestSha256, soak };
    follower.deliver(encodeEnvelope(sealDesired(state, director.privateKey)));
    await eventually(() => {
      assert.deepEqual([journal.state.phase, journal.state.active?.model], ['STEADY', model]);
      for (const name of ['birds', 'fish']) assert.equal(swapper.active(name) !== undefined, name === model, name);
    });
  };
  const birds = await registry.publish('birds', 1n);
  await follow(birds);
  await follow(await registry.publish('fish', 1n));
  await follow(birds);
});

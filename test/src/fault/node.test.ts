import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@atoll/base/eventually';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { NodePhase } from '@atoll/proto/atoll/v1/release';
import { type FleetOfOne, startFleetOfOne } from './fleet-of-one.js';
import type { ServiceProcess } from './service-process.js';

const natsServer = await findNatsServer(process.env);
const { NODE_PHASE_STEADY: STEADY, NODE_PHASE_SOAKING: SOAKING, NODE_PHASE_ROLLED_BACK: ROLLED_BACK } = NodePhase;

describe(
  'a node as a process, with a real nats-server and registry',
  { skip: natsServer === undefined ? natsServerMissing : false, timeout: 240_000 },
  () => {
    let fleet: FleetOfOne;
    let node: ServiceProcess | undefined;
    let version = 0n;

    before(async () => {
      fleet = await startFleetOfOne(await mkdtemp(join(tmpdir(), 'atoll-fault-')), natsServer ?? '');
    });
    after(() => fleet.stop());
    afterEach(async () => {
      await node?.stop();
      node = undefined;
    });

    const start = async (): Promise<ServiceProcess> => {
      node = await fleet.startNode();
      return node;
    };
    const settled = (generation: bigint, phase: NodePhase = STEADY): Promise<void> =>
      eventually(() => {
        const report = fleet.report();
        assert.deepEqual([report?.observedGeneration, report?.phase], [generation, phase], report?.message);
      }, 30_000);
    /** Brings the node to a new version in peace. */
    const commit = async (): Promise<bigint> => {
      version += 1n;
      await settled(await fleet.order(version, await fleet.publish(version)));
      return version;
    };

    test('SIGKILL at any moment of a rollout: the node comes back with the old or the new version and ends with the new one', async () => {
      let running = await start();
      await commit();
      for (const atMs of [0, 60, 200, 500, 900].map((ms) => ms + Math.round(Math.random() * 60))) {
        const before = version;
        version += 1n;
        const manifest = await fleet.publish(version);
        const generation = await fleet.order(version, manifest, { durationMs: 700 });
        await delay(atMs);
        await running.kill();
        const { phase, active } = await fleet.journal();
        const where = `killed after ${atMs} ms in ${phase}`;
        assert.ok(active?.version === String(before) || active?.version === String(version), where);
        running = await start();
        const answered = await fleet.ask(running);
        assert.ok(answered === before || answered === version, `${where}: version ${answered} answers`);
        await settled(generation);
        assert.equal(await fleet.ask(running), version, where);
      }
    });

    test('the runtime process of a version on trial is killed: the version before serves again, CRASHED is reported', async () => {
      const running = await start();
      const before = await commit();
      version += 1n;
      const generation = await fleet.order(version, await fleet.publish(version), { durationMs: 60_000 });
      await settled(generation, SOAKING);
      for (const pid of await running.children()) process.kill(pid, 'SIGKILL');
      await settled(generation, ROLLED_BACK);
      assert.equal(fleet.report()?.reasonCode, 'CRASHED');
      await eventually(async () => assert.equal(await fleet.ask(running), before));
    });

    test('a version that turns slow on trial while requests flow: TOO_SLOW, the version before serves again, no request fails', async () => {
      const running = await start();
      const before = await commit();
      const load = startLoad(() => fleet.ask(running));
      try {
        await eventually(() => assert.ok(load.answered() >= 500));
        version += 1n;
        const generation = await fleet.order(version, await fleet.publish(version), { durationMs: 60_000 });
        await settled(generation, SOAKING);
        const throttled = throttle(await running.children());
        try {
          await settled(generation, ROLLED_BACK);
        } finally {
          throttled.end();
        }
        assert.equal(fleet.report()?.reasonCode, 'TOO_SLOW');
        assert.equal(await fleet.ask(running), before);
      } finally {
        await load.end();
      }
      assert.deepEqual(load.failures(), []);
    });

    test('the broker loses its store: the model stays, the same order again is nothing, and the next one is followed', async () => {
      const running = await start();
      const before = await commit();
      await fleet.nats.restart(true);
      await fleet.repair();
      assert.equal(await fleet.ask(running), before);
      await commit();
      assert.equal(await fleet.ask(running), version);
    });

    test('SIGTERM ends the node with code 0 and a journal that starts again', async () => {
      const running = await start();
      await commit();
      assert.equal(await running.stop(), 0);
      assert.equal((await fleet.journal()).phase, 'STEADY');
      assert.equal(await fleet.ask(await start()), version);
    });

    test('neither broker nor registry: the node starts and serves what it committed', async () => {
      const first = await start();
      const before = await commit();
      await first.stop();
      await fleet.nats.kill();
      await fleet.stopRegistry();
      assert.equal(await fleet.ask(await start()), before);
    });
  },
);

interface Load {
  answered(): number;
  failures(): readonly unknown[];
  end(): Promise<void>;
}

/** Four callers who ask without pause. */
function startLoad(ask: () => Promise<bigint>): Load {
  let answered = 0;
  let ended = false;
  const failures: unknown[] = [];
  const caller = async (): Promise<void> => {
    while (!ended) {
      try {
        await ask();
        answered++;
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const callers = [caller(), caller(), caller(), caller()];
  return {
    answered: () => answered,
    failures: () => failures,
    end: async () => {
      ended = true;
      await Promise.all(callers);
    },
  };
}

/** Lets processes run for a few of each 45 milliseconds only. */
function throttle(pids: readonly number[]): { end(): void } {
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, signal);
  };
  let release: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    signalAll('SIGSTOP');
    release = setTimeout(() => signalAll('SIGCONT'), 40);
  }, 45);
  return {
    end: () => {
      clearInterval(timer);
      clearTimeout(release);
      signalAll('SIGCONT');
    },
  };
}

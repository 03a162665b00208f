import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@atoll/base/clock';
import type { Running } from '@atoll/base/lifecycle';
import type { Logger } from '@atoll/base/log';
import { connectBus } from '@atoll/bus/connect';
import { readCredentials } from '@atoll/bus/credentials';
import { openDatabase } from '@atoll/database/database';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { readPrivateKey, readPublicKeys } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import type { RolloutConfig } from './config.js';
import type { Controller } from './controller.js';
import { createDoor } from './door.js';
import { readEnrolment } from './fleet/enrolment.js';
import { startLeader } from './leader.js';
import { startLeadership } from './leadership.js';
import { registryClient } from './registry-client.js';
import { abortRollout } from './rpc/abort-rollout.js';
import { describeFleet } from './rpc/describe-fleet.js';
import { explainRollout } from './rpc/explain-rollout.js';
import { getRollout } from './rpc/get-rollout.js';
import { listEvents } from './rpc/list-events.js';
import { listNodes } from './rpc/list-nodes.js';
import { listRolloutNodes } from './rpc/list-rollout-nodes.js';
import { listRollouts } from './rpc/list-rollouts.js';
import { pauseRollout } from './rpc/pause-rollout.js';
import { promoteRollout } from './rpc/promote-rollout.js';
import { resumeRollout } from './rpc/resume-rollout.js';
import { retryRollout } from './rpc/retry-rollout.js';
import { startRollout as startRolloutCall } from './rpc/start-rollout.js';
import { undoRollout } from './rpc/undo-rollout.js';
import { watchEvents } from './rpc/watch-events.js';
import { watchRollout } from './rpc/watch-rollout.js';
import { migrations } from './state/migrations.js';
import { databaseStores } from './state/stores.js';

export type { RolloutConfig } from './config.js';

/** What the rollout controller takes from whoever starts it. */
export interface RolloutDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Starts the rollout controller; it waits for the broker, and refuses to start when a key or the nodes cannot be read. While
 * another controller leads on the same database it stands by: it answers UNAVAILABLE, and takes over when that one is gone.
 */
export async function startRollout(config: RolloutConfig, { log, clock }: RolloutDeps): Promise<Running> {
  const [directorKey, buildKeys, enrolled, credentials] = await Promise.all([
    readPrivateKey(config.directorKeyPath),
    readPublicKeys(config.buildKeysPath),
    readEnrolment(config.nodesPath),
    readCredentials(config.natsCredentialsPath),
  ]);
  const ends: (() => void | Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const one of ends.splice(0).toReversed()) await one();
  };
  try {
    const db = openDatabase(join(config.dataDir, 'rollout.sqlite'), migrations, { shared: true });
    ends.push(() => db.close());
    const { signal } = new AbortController();
    const connection = { servers: [config.natsUrl], credentials, name: 'rollout-controller', log, signal };
    const bus = await connectBus(connection);
    ends.push(() => bus.close());
    const channel = openChannel(config.registry);
    ends.push(() => channel.close());
    const findRelease = registryClient(channel, buildKeys, clock);
    const stopping = new AbortController();
    const door = createDoor(RolloutServiceService);
    const { nodesPath, offlineAfterMs, leaseMs } = config;
    const leadership = startLeadership({
      stores: databaseStores(db),
      candidate: { holder: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`, leaseMs, clock },
      lead: async (stores) => {
        const leader = await startLeader({
          stores,
          bus,
          directorKey,
          nodesPath,
          findRelease,
          offlineAfterMs,
          clock,
          log,
        });
        const resigned = new AbortController();
        const ended = AbortSignal.any([resigned.signal, stopping.signal]);
        const close = door.open(rolloutService(leader.controller, config, ended));
        return async () => {
          close();
          resigned.abort();
          await leader.stop();
        };
      },
      log,
    });
    ends.push(() => leadership.stop());
    await leadership.settled;
    const server = await startServer({ listen: config.listen, services: [door.service], log });
    ends.push(async () => {
      stopping.abort();
      await server.stop();
    });
    log.info('rollout controller is ready', { address: server.address, nodes: enrolled.length });
    return { address: server.address, stop: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function rolloutService(controller: Controller, config: RolloutConfig, stopping: AbortSignal) {
  const { stores, fleet, commands, notifier } = controller;
  return bindService(RolloutServiceService, {
    startRollout: startRolloutCall(controller),
    getRollout: getRollout(stores, fleet),
    watchRollout: watchRollout(stores, fleet, notifier, stopping),
    listRollouts: listRollouts(stores, fleet),
    abortRollout: abortRollout(commands, fleet),
    pauseRollout: pauseRollout(commands, fleet),
    resumeRollout: resumeRollout(commands, fleet),
    promoteRollout: promoteRollout(commands, fleet),
    retryRollout: retryRollout(commands, fleet),
    explainRollout: explainRollout(stores, fleet),
    listRolloutNodes: listRolloutNodes(stores, fleet),
    undoRollout: undoRollout(commands, fleet),
    listNodes: listNodes(stores, fleet),
    listEvents: listEvents(stores),
    watchEvents: watchEvents(stores, notifier, stopping),
    describeFleet: describeFleet(config),
  });
}

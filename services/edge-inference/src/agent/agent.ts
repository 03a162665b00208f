/**
 * The node's agent: serves the committed release from its own disk before anything else, then follows the fleet's desired
 * state and tells how that goes. Here its parts are joined; what it does is in follower.ts and decide.ts.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@atoll/base/log';
import { readCredentials } from '@atoll/bus/credentials';
import { parseNodeId } from '@atoll/bus/names';
import { readDesired } from '@atoll/release/desired';
import { decodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { readPrivateKey, readPublicKeys } from '@atoll/release/keys';
import { openChannel } from '@atoll/rpc/channel';
import type { Swapper } from '../swap/swapper.js';
import { createBlobSources } from './blob-sources.js';
import { linkBus } from './bus-link.js';
import { atStart } from './decide.js';
import { createFollower } from './follower.js';
import { openJournal } from './journal.js';
import { openReleaseStore } from './release-store.js';
import { checkVoice, startReporter } from './reporter.js';

/** What an agent needs. */
export interface AgentOptions {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** PEM file of the node's ed25519 key, which signs its reports. */
  readonly nodeKeyPath: string;
  /** Trust file of the keys that sign releases. */
  readonly buildKeysPath: string;
  /** Trust file of the keys that sign desired states. */
  readonly directorKeysPath: string;
  /** Address of the registry. */
  readonly registry: string;
  /** Further servers of blobs, for example a cache of the site; they are asked before the registry, in this order. */
  readonly blobSources?: readonly string[];
  /** One or more nats:// addresses, separated by commas. */
  readonly natsUrl: string;
  /** Seed file of the node's NATS user. */
  readonly natsCredentialsPath: string;
  /** The agent keeps its journal and releases under it. */
  readonly dataDir: string;
  /** Where the node's gRPC server listens, for reports. */
  readonly address: string;
  readonly swapper: Swapper;
  readonly log: Logger;
  /** Default 30,000. */
  readonly heartbeatMs?: number;
  /** Bytes of releases on disk at most, default 4 GiB. */
  readonly quotaBytes?: number;
}

/** A running agent. */
export interface Agent {
  /** Ends what can be ended without harm; what serves stays in service. */
  stop(): Promise<void>;
}

/** Starts the agent; returns once the committed release, if there is one, was put in service or could not be. Needs no network. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { swapper, log } = options;
  const nodeId = parseNodeId(options.nodeId);
  const folder = join(options.dataDir, 'agent');
  await mkdir(folder, { recursive: true });
  const nodeKey = await readPrivateKey(options.nodeKeyPath);
  const buildKeys = await readPublicKeys(options.buildKeysPath);
  const directorKeys = await readPublicKeys(options.directorKeysPath);
  const credentials = await readCredentials(options.natsCredentialsPath);
  const store = await openReleaseStore(join(folder, 'releases'), options.quotaBytes ?? 4 * 2 ** 30);
  const journal = openJournal(folder);
  journal.write(atStart(journal.state));
  const { labels, address, heartbeatMs = 30_000 } = options;
  const voice = { nodeId, labels, address, nodeKey, swapper, log, heartbeatMs };
  checkVoice({ ...voice, node: { state: journal.state, alarms: () => [], clockOffsetMs: () => 0 } });

  const channel = openChannel(options.registry);
  const nearer = (options.blobSources ?? []).map((name) => ({ name, channel: openChannel(name) }));
  const sources = createBlobSources([...nearer, { name: options.registry, channel }], () => performance.now());
  const follower = createFollower({
    nodeId,
    journal,
    open: (bytes) => readDesired(decodeEnvelope(bytes, payloadTypes.desired), directorKeys),
    log,
    release: { swapper, store, channel, sources, buildKeys },
    onNews: () => reporter.report(),
  });
  const link = linkBus({
    servers: options.natsUrl.split(','),
    credentials,
    nodeId,
    log,
    onDesired: (bytes) => follower.deliver(bytes),
    onUp: () => reporter.report(),
  });
  const reporter = startReporter({ ...voice, node: follower, link });
  await follower.serveCommitted();
  // The bus may have been up before the model was: tell of it now, not at the next heartbeat.
  reporter.report();
  follower.start();

  return {
    stop: async () => {
      await follower.stop();
      await reporter.close();
      await link.close();
      channel.close();
      for (const source of nearer) source.channel.close();
    },
  };
}

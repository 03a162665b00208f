/** How fleet verbs find their fleet: --server, else ATOLL_SERVER, else the atoll.json of a running `atoll up`. */
import { AtollError } from '@atoll/base/error';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { type Channel, type ChannelSecurity, openChannel, type RpcClient } from '@atoll/rpc/channel';
import type { Context } from './context.js';
import { fleetFilePath, readFleetFile } from './up/fleet-file.js';

/** The address of the rollout controller; FAILED_PRECONDITION says how to start a fleet. */
export async function findFleet(context: Context): Promise<string> {
  const named = context.server ?? context.env['ATOLL_SERVER'];
  if (named !== undefined && named !== '') return named;
  const fleet = await readFleetFile(context.dataDir);
  if (fleet !== undefined) return fleet.server;
  throw new AtollError(
    'FAILED_PRECONDITION',
    `cannot find a fleet: none runs by ${fleetFilePath(context.dataDir)}; start one with \`atoll up\`, or name its controller with --server or ATOLL_SERVER`,
  );
}

/** What a fleet verb works with. */
export interface Fleet {
  readonly server: string;
  readonly rollout: RpcClient<typeof RolloutServiceService>;
}

/** Runs a verb against the fleet's controller. */
export async function withFleet<T>(context: Context, use: (fleet: Fleet) => Promise<T>): Promise<T> {
  const server = await findFleet(context);
  return withChannel(server, (channel) => use({ server, rollout: channel.client(RolloutServiceService) }));
}

/** Runs a verb against the fleet's registry, as its controller names it. */
export async function withRegistry<T>(context: Context, use: (channel: Channel) => Promise<T>): Promise<T> {
  const registry = await withFleet(context, async ({ rollout }) =>
    rollout.describeFleet({}, { signal: context.signal }),
  );
  return withChannel(registry.registry, use);
}

/** Opens a channel for one use. */
export async function withChannel<T>(
  address: string,
  use: (channel: Channel) => Promise<T>,
  security: ChannelSecurity = {},
): Promise<T> {
  const channel = openChannel(address, security);
  try {
    return await use(channel);
  } finally {
    channel.close();
  }
}

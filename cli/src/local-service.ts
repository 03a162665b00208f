import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Running } from '@atoll/base/lifecycle';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import type { Context } from './context.js';

/** Starts a service inside this process, listening on `listen` and keeping its files in `dataDir`. */
export type StartLocal = (listen: string, dataDir: string) => Promise<Running>;

/**
 * A channel to the service of a tool: the one at `--server`, else one started in this process on a Unix socket in a folder
 * that only this user may enter. The service has stopped and its folder is gone when the promise settles.
 */
export async function withService<T>(
  context: Context,
  start: StartLocal,
  use: (channel: Channel) => Promise<T>,
): Promise<T> {
  if (context.server !== undefined) {
    const channel = openChannel(context.server);
    try {
      return await use(channel);
    } finally {
      channel.close();
    }
  }
  const folder = await mkdtemp(join(tmpdir(), 'atoll-'));
  try {
    const running = await start(`unix:${join(folder, 'socket')}`, join(folder, 'data'));
    const channel = openChannel(running.address);
    try {
      return await use(channel);
    } finally {
      channel.close();
      await running.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

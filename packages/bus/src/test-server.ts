/** A real nats-server for tests: a free loopback port, a store that goes away with it, ended by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { type NodeLogin, renderServerConfig } from './server-config.js';

/** A running server. */
export interface TestServer {
  /** nats:// address; the same after restart(). */
  readonly url: string;
  /** Ends the process with SIGKILL, the store stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port; `empty` throws its store away first. */
  restart(empty?: boolean): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Where the server's program is: ATOLL_NATS_SERVER, else set-up's cache; undefined when neither has it. */
export async function findNatsServer(env: Env): Promise<string | undefined> {
  const path = env['ATOLL_NATS_SERVER'] ?? cachePaths(env).natsServer;
  try {
    await access(path);
    return path;
  } catch {
    return undefined;
  }
}

/** Why a test that needs the server is skipped, with the remedy. */
export const natsServerMissing = 'no nats-server: run npm start once, or set ATOLL_NATS_SERVER to its path';

/** Starts a server that knows this controller and these nodes. */
export async function startTestServer(
  program: string,
  logins: { readonly controllerPublicNkey: string; readonly nodes: readonly NodeLogin[] },
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-nats-'));
  const storeDir = join(folder, 'store');
  const configPath = join(folder, 'server.conf');
  let child: ChildProcess | undefined;
  const onExit = (): void => void child?.kill('SIGKILL');
  process.on('exit', onExit);

  const start = async (port: number): Promise<number> => {
    const config = renderServerConfig({ ...logins, listen: `127.0.0.1:${port}`, storeDir, portsFileDir: folder });
    await writeFile(configPath, config);
    const started = spawn(program, ['-c', configPath], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let said = '';
    started.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4_000);
    });
    return eventually(async () => {
      if (started.exitCode !== null) throw new AtollError('INTERNAL', `cannot start nats-server: ${said}`);
      const name = (await readdir(folder)).find((file) => file.endsWith(`_${started.pid}.ports`));
      if (name === undefined) throw new AtollError('UNAVAILABLE', `nats-server is not ready: ${said}`);
      const address = /:(\d+)"/.exec(await readFile(join(folder, name), 'utf8'))?.[1];
      if (address === undefined) throw new AtollError('UNAVAILABLE', 'nats-server has not told its port');
      return Number(address);
    });
  };

  const kill = async (): Promise<void> => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await gone;
  };

  const port = await start(-1);
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    restart: async (empty = false) => {
      await kill();
      if (empty) await rm(storeDir, { recursive: true, force: true });
      await start(port);
    },
    stop: async () => {
      await kill();
      process.off('exit', onExit);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

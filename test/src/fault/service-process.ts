/** A service of Atoll as a process of its own, started as it is deployed and ended by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AtollError } from '@atoll/base/error';

/** A running service. */
export interface ServiceProcess {
  readonly address: string;
  readonly pid: number;
  /** SIGTERM, and the wait for its end; gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>;
  /** The process ids of its own children. */
  children(): Promise<readonly number[]>;
  /** The last of what it logged. */
  log(): string;
}

/** Starts a service's main.js with only these settings beside what finds the cache; resolves when it says that it is ready. */
export async function startServiceProcess(
  service: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const main = join(dirname(fileURLToPath(import.meta.resolve(`@atoll/${service}/service`))), 'main.js');
  const { HOME, PATH, XDG_CACHE_HOME, ATOLL_CACHE } = process.env;
  const kept = Object.entries({ HOME, PATH, XDG_CACHE_HOME, ATOLL_CACHE }).filter(([, value]) => value !== undefined);
  const env = { ...Object.fromEntries(kept), ...settings };
  // Its end of standard input closes with this process: a test that dies leaves nothing behind.
  const child = spawn(process.execPath, [main, '--follow-stdin'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-64_000);
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const address = await ready(child, () => said);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return ended;
  };
  const pid = child.pid ?? 0;
  return {
    address,
    pid,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
    children: async () => {
      const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      return text.split(' ').filter(Boolean).map(Number);
    },
    log: () => said,
  };
}

function ready(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const address = /"address":"([^"]+)"/.exec(text)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new AtollError('INTERNAL', `cannot start the service: it ended with ${code}: ${said()}`));
    });
  });
}

/** `atoll up` as a child of the main job: a whole fleet on free ports that ends with this process, however that ends. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import type { FleetDescription } from '../up/fleet-file.js';

/** A fleet in processes of its own. */
export interface FleetProcess {
  readonly description: FleetDescription;
  /** Drains and ends it. */
  stop(): Promise<void>;
}

const graceMs = 40_000;

/** Starts a fleet and waits until it is ready. */
export async function startFleetProcess(
  options: { readonly env: Env; readonly dataDir: string; readonly nodes: number },
  signal: AbortSignal,
): Promise<FleetProcess> {
  signal.throwIfAborted();
  const bin = fileURLToPath(new URL('../../bin/atoll.js', import.meta.url));
  const args = [
    'up',
    '--json',
    '--quiet',
    '--follow-stdin',
    '--nodes',
    String(options.nodes),
    '--data-dir',
    options.dataDir,
  ];
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...options.env, ATOLL_UP_PORTS: 'any' },
    // Ctrl-C reaches this process alone, which ends the fleet when it has finished with it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-2_000)));
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      words = error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  };
  const ready = new Promise<FleetDescription>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const read = JSON.parse(line) as FleetDescription | { readonly error: unknown };
      if ('server' in read) resolve(read);
    });
    signal.addEventListener(
      'abort',
      () => reject(new AtollError('CANCELLED', 'the start of the fleet was cancelled')),
      {
        once: true,
      },
    );
    void ended.then(() => {
      const reason = words
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^atoll: /, '');
      reject(new AtollError('FAILED_PRECONDITION', reason ?? 'cannot start the fleet: it ended without a word'));
    });
  });
  try {
    return { description: await ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

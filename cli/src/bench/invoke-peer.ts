import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AtollError } from '@atoll/base/error';
import type { Env } from '@atoll/base/env';
import { benchScript } from './nets.js';

/** ai-edge-litert in a Python process of its own, with a model loaded. */
export interface InvokePeer {
  readonly version: string;
  /** Milliseconds of so many runs. */
  run(runs: number): Promise<readonly number[]>;
  stop(): void;
}

/** Starts it; UNAVAILABLE when it ends early. */
export async function startInvokePeer(
  python: string,
  path: string,
  env: Env,
  signal: AbortSignal,
): Promise<InvokePeer> {
  const script = benchScript('invoke-litert.py');
  const child = spawn(python, [script, path], { env, signal, stdio: ['pipe', 'pipe', 'ignore'] });
  // What is wrong shows in the line that does not come.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => {
    const line = await lines.next();
    signal.throwIfAborted();
    if (line.done === true) throw new AtollError('UNAVAILABLE', `cannot run ${script} by ${python}: it has ended`);
    return JSON.parse(line.value);
  };
  try {
    const ready = await nextLine();
    const version = typeof ready === 'object' && ready !== null && 'ready' in ready ? String(ready.ready) : '';
    return {
      version,
      async run(runs) {
        child.stdin.write(`${runs}\n`);
        const times = await nextLine();
        return Array.isArray(times) ? times.map(Number) : [];
      },
      stop: () => void child.kill(),
    };
  } catch (error) {
    child.kill();
    throw error;
  }
}

import { spawn } from 'node:child_process';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Env } from '@atoll/base/env';
import { endedChildrenCpuSeconds, processTree, rssOf } from './process-tree.js';

/** What a program took. */
export interface MeasuredRun {
  readonly stdout: string;
  readonly seconds: number;
  /** Processor time of the program and all that it waited for: what other work on the machine does not change; null without /proc. */
  readonly cpuSeconds: number | null;
  /** Largest sum of the resident memory of the program and all that it started; null where there is no /proc. */
  readonly peakRssBytes: number | null;
}

const pollMs = 20;
/** Of what a program says on standard error, the end is told when it fails. */
const keptChars = 2000;

/** Runs a program to its end and watches its time and memory, one program at a time; an exit code other than 0 is FAILED_PRECONDITION with its last words. */
export async function measuredRun(
  command: string,
  args: readonly string[],
  env: Env,
  signal: AbortSignal,
): Promise<MeasuredRun> {
  const startedMs = performance.now();
  const cpuBefore = await endedChildrenCpuSeconds();
  const child = spawn(command, [...args], { env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-keptChars)));
  let peakRssBytes: number | null = null;
  let polling = Promise.resolve();
  const poll = setInterval(() => {
    polling = polling.then(async () => {
      if (child.pid === undefined) return;
      const bytes = rssOf(await processTree(child.pid));
      if (bytes > 0) peakRssBytes = Math.max(peakRssBytes ?? 0, bytes);
    });
  }, pollMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    if (code !== 0) {
      const words = stderr.trim().split('\n').slice(-3).join('; ');
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot run ${command} ${args[0] ?? ''}: exit code ${code}: ${words}`,
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AtollError) throw error;
    throw new AtollError('UNAVAILABLE', `cannot run ${command}: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearInterval(poll);
    await polling;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuAfter = await endedChildrenCpuSeconds();
  const cpuSeconds = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  return { stdout: Buffer.concat(stdout).toString('utf8'), seconds, cpuSeconds, peakRssBytes };
}

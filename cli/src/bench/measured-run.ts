import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Env } from '@atoll/base/env';

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
const pageBytes = 4096;
/** USER_HZ, the unit of times in /proc, is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
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
  const cpuBefore = await childrenCpuSeconds();
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
      const bytes = await treeRssBytes(child.pid);
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
  const cpuAfter = await childrenCpuSeconds();
  const cpuSeconds = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
  return { stdout: Buffer.concat(stdout).toString('utf8'), seconds, cpuSeconds, peakRssBytes };
}

/** Processor time of all children of this process that have ended (cutime + cstime of proc_pid_stat(5)). */
async function childrenCpuSeconds(): Promise<number | null> {
  const stat = await readFile('/proc/self/stat', 'utf8').catch(() => undefined);
  if (stat === undefined) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

/** Resident memory of a process and its descendants; 0 when it has ended or the system has no /proc (proc_pid_statm(5)). */
async function treeRssBytes(pid: number): Promise<number> {
  try {
    const [, resident = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
    let bytes = Number(resident) * pageBytes;
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const children = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8');
      for (const child of children.split(' ').filter((word) => word !== '')) bytes += await treeRssBytes(Number(child));
    }
    return bytes;
  } catch {
    // It ended between two looks: what it had counts with the look before.
    return 0;
  }
}

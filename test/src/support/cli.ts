/** `atoll` as people run it: a process of its own, its output and exit code, the processes below it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { repositoryRoot } from './repository.js';

/** What a command said and how it ended. */
export interface Ended {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  said(): { readonly out: string; readonly err: string };
  /** As Ctrl-C does. */
  interrupt(): void;
  /** Ends it for certain, for the end of a test. */
  kill(): Promise<void>;
}

/** Settings of one run. */
export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another program of the command line, by its path in the repository. */
  readonly program?: string;
}

/** Starts `atoll`; only what finds the cache is passed on of the environment. */
export function startAtoll(
  args: readonly string[],
  { cwd, env, program = 'cli/bin/atoll.js' }: CliOptions = {},
): Running {
  const { HOME, PATH, TMPDIR, XDG_CACHE_HOME, ATOLL_CACHE, ATOLL_NATS_SERVER } = process.env;
  const kept = Object.entries({ HOME, PATH, TMPDIR, XDG_CACHE_HOME, ATOLL_CACHE, ATOLL_NATS_SERVER });
  const child = spawn(process.execPath, [join(repositoryRoot, program), ...args], {
    cwd,
    env: { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    pid: pidOf(child),
    ended,
    said: () => ({ out, err }),
    interrupt: () => void child.kill('SIGINT'),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs `atoll` to its end. */
export function atoll(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return startAtoll(args, options).ended;
}

/** Runs `atoll … --json` to its end and gives the one document; its words are the error when it does not succeed. */
export async function atollJson<T>(args: readonly string[], options: CliOptions = {}): Promise<T> {
  const { code, out, err } = await atoll([...args, '--json'], options);
  if (code !== 0) throw new AtollError('INTERNAL', `cannot run atoll ${args.join(' ')}: exit code ${code}: ${err}`);
  return JSON.parse(out) as T;
}

/** The ids of all processes below one, the nearest first. Linux. */
export async function processesBelow(pid: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''); // It may have ended meanwhile.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent > 0) parents.set(Number(name), parent);
  }
  const found: number[] = [];
  for (let level = [pid]; level.length > 0;) {
    level = [...parents].filter(([, parent]) => level.includes(parent)).map(([child]) => child);
    found.push(...level);
  }
  return found;
}

/** Those of the processes that are still there; one that only waits to be collected counts as gone. */
export async function stillAlive(pids: readonly number[]): Promise<readonly string[]> {
  const alive: string[] = [];
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const state = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] ?? '';
    if (stat !== '' && state !== 'Z') alive.push(`${pid}: ${(await commandOf(pid)).slice(0, 200)}`);
  }
  return alive;
}

async function commandOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ');
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new AtollError('INTERNAL', 'cannot start atoll: it has no process id');
  return child.pid;
}

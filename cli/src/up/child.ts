/** A service in a process of its own: started with an explicit environment, ready when it says so, ended with this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';

/** What to start. */
export interface ChildSpec {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Env;
  /** Its standard error goes there. */
  readonly logPath: string;
}

/** A started service. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** As it told when it was ready. */
  readonly address: string;
  /** Settles with how it ended, in words, once it has. */
  readonly ended: Promise<string>;
  /** Asks it to end, and ends it after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Starts one and waits for its ready line; its own last words are the error when it does not get there. */
export async function startChild(spec: ChildSpec, signal: AbortSignal): Promise<Child> {
  signal.throwIfAborted();
  const log = await open(spec.logPath, 'a');
  let started: ChildProcess;
  try {
    // A group of its own: Ctrl-C reaches the supervisor alone, which ends its children in order. Should the supervisor be
    // killed, the closed standard input ends them.
    started = spawn(process.execPath, [...spec.args], {
      env: { ...spec.env },
      detached: true,
      stdio: ['pipe', 'pipe', log.fd],
    });
  } finally {
    await log.close();
  }
  const ended = new Promise<string>((resolve) => {
    started.once('error', (error) => resolve(error.message));
    started.once('exit', (code, by) => resolve(by === null ? `exit code ${code}` : `signal ${by}`));
  });
  // A child that has gone takes no more input; its end is told by `ended`.
  started.stdin?.on('error', () => undefined);
  const stop = async (graceMs: number): Promise<void> => {
    started.kill('SIGTERM');
    const timer = setTimeout(() => started.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
  };
  try {
    const address = await readyAddress(started, ended, spec, signal);
    return { name: spec.name, pid: started.pid ?? 0, address, ended, stop };
  } catch (error) {
    await stop(2_000);
    throw error;
  }
}

function readyAddress(
  child: ChildProcess,
  ended: Promise<string>,
  spec: ChildSpec,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AtollError('CANCELLED', `the start of ${spec.name} was cancelled`));
    signal.addEventListener('abort', onAbort, { once: true });
    void ended.then(async (how) => {
      signal.removeEventListener('abort', onAbort);
      const words = await lastWords(spec.logPath);
      reject(new AtollError('FAILED_PRECONDITION', `cannot start ${spec.name}: ${words ?? `it ended with ${how}`}`));
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = addressIn(line);
      if (address === undefined) return;
      signal.removeEventListener('abort', onAbort);
      resolve(address);
    });
  });
}

/** The address of a ready line. */
function addressIn(line: string): string | undefined {
  if (!line.startsWith('{"ready":true')) return undefined;
  const { address } = JSON.parse(line) as { readonly address?: unknown };
  return typeof address === 'string' ? address : undefined;
}

/** The last line that a service has written to its log, its message where it is a JSON line; undefined for an empty log. */
export async function lastWords(logPath: string): Promise<string | undefined> {
  const text = await readFile(logPath, 'utf8').catch(() => '');
  const line = text.slice(-8_192).trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return line === '' ? undefined : line.slice(0, 500);
  try {
    const { message } = JSON.parse(line) as { readonly message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined; // Cut off in the middle: it says nothing.
  }
}

/** The parent side of a job in a process of its own: a crash, an abort() or an out-of-memory kill ends that job and nothing else. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AtollError, errorCodes } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { ToChild, ToParent } from './child.js';

/** How to run a job's child. */
export interface ChildOptions<In, E> {
  /** The child's entry file, whose last statement is serveJob(...). */
  readonly entry: URL;
  readonly input: In;
  readonly onEvent: (event: E) => void;
  /** Aborting it asks the child to end (SIGTERM) and kills it after `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** The child's environment, whole. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** Runs one job in a fresh child and gives its output; the child is gone when the promise settles. */
export async function runInChild<In, E, Out>(options: ChildOptions<In, E>): Promise<Out> {
  options.signal.throwIfAborted();
  const child = fork(fileURLToPath(options.entry), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...options.env },
  });
  const tail = collectTail(child, options.log);
  let end: Extract<ToParent, { kind: 'done' | 'failed' }> | undefined;
  child.on('message', (message: ToParent) => {
    if (message.kind === 'event') options.onEvent(message.event as E);
    else end = message;
  });
  const release = endOn(options.signal, child, options.graceMs);
  try {
    const exited = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    const start: ToChild = { kind: 'start', input: options.input };
    child.send(start, (error) => {
      if (error !== null) child.kill('SIGKILL');
    });
    const how = await exited;
    options.signal.throwIfAborted();
    if (end?.kind === 'done') return end.output as Out;
    if (end?.kind === 'failed') throw failure(end);
    throw new AtollError(
      'INTERNAL',
      `cannot finish the job: its process ended early with ${how}${meaningOf(how)}${tail() === '' ? '' : `: ${tail()}`}`,
    );
  } finally {
    release();
  }
}

/** What a signal that nobody sent on purpose most often stands for. */
function meaningOf(how: string): string {
  if (/SIG(SEGV|BUS|ILL|FPE|TRAP)/.test(how)) return ', a crash inside a native library';
  if (how.endsWith('SIGABRT')) return ', by an engine or native library that gave up';
  return how.endsWith('SIGKILL') ? ', as the system does when memory runs out' : '';
}

function failure(end: Extract<ToParent, { kind: 'failed' }>): AtollError {
  const code = errorCodes.find((candidate) => candidate === end.code) ?? 'INTERNAL';
  return new AtollError(code, end.message, end.stack === '' ? {} : { cause: new Error(end.stack) });
}

/** Logs what the child prints and keeps its last line of standard error for the message of an early end. */
function collectTail(child: ChildProcess, log: Logger): () => string {
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const trimmed = text.trim();
    if (trimmed === '') return;
    // What native libraries tell of themselves is no reason for an end.
    const words = trimmed.split('\n').findLast((line) => line.trim() !== '' && !line.startsWith('INFO: '));
    last = words?.slice(0, 300) ?? last;
    log.debug('child', { pid: child.pid, text: trimmed.slice(0, 4_000) });
  });
  child.stdout
    ?.setEncoding('utf8')
    .on('data', (text: string) => log.debug('child', { pid: child.pid, text: text.trim().slice(0, 4_000) }));
  return () => last;
}

function endOn(signal: AbortSignal, child: ChildProcess, graceMs: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { cutPayload, encodeFrame, FrameReader } from './frames.js';
import { machineMs } from './messages.js';
import type { Candidate, FromChild, LoadedInfo, RuntimeSettings, ToChild } from './messages.js';

/** What every child gets at its start. */
export interface ChildSettings extends RuntimeSettings {
  /** LD_LIBRARY_PATH for the child, which inherits nothing else. */
  readonly libraryPath?: string;
}

/** The outputs of a run, what made them, and where its time went; the four spans follow each other. */
export interface RunResult {
  readonly outputs: Uint8Array[];
  readonly backend: string;
  readonly device: string;
  /** Until it was sent to a child. */
  readonly queueMs: number;
  /** From there until the run began: its inputs on their way. */
  readonly inputMs: number;
  /** The run alone. */
  readonly inferMs: number;
  /** From the run's end until its outputs were here. */
  readonly outputMs: number;
}

/** The front's end of one child. When the child ends, every unanswered question is rejected with UNAVAILABLE. */
export interface RuntimeChild {
  readonly pid: number;
  /** Settles when the child has ended, with the words for it. */
  readonly ended: Promise<string>;
  load(handle: string, candidates: readonly Candidate[]): Promise<LoadedInfo>;
  /** `onStarted` is called when the child is about to run. */
  run(handle: string, inputs: readonly Uint8Array[], onStarted: () => void): Promise<RunResult>;
  unload(handle: string): Promise<void>;
  ping(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** The error of a question that a child cannot answer any more, told apart from what a child itself calls unavailable. */
export function runtimeGone(message: string, cause?: unknown): AtollError {
  return new AtollError('UNAVAILABLE', message, { cause, detail: { runtime: 'gone' } });
}

/** True for an error of runtimeGone. */
export function isRuntimeGone(error: unknown): boolean {
  return error instanceof AtollError && error.detail['runtime'] === 'gone';
}

const entry = fileURLToPath(new URL('./child.js', import.meta.url));

type Unsent = { [K in ToChild['kind']]: Omit<Extract<ToChild, { kind: K }>, 'id'> }[ToChild['kind']];

interface Pending {
  readonly onStarted: () => void;
  readonly resolve: (answer: { head: FromChild; payload: Uint8Array }) => void;
  readonly reject: (error: AtollError) => void;
}

/** Starts a child and sets it up. */
export async function startChild(settings: ChildSettings, log: Logger): Promise<RuntimeChild> {
  const child = spawn(process.execPath, [entry], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    // Two: the run, and a model file being read beside it.
    env: {
      UV_THREADPOOL_SIZE: '2',
      ...(settings.libraryPath === undefined ? {} : { LD_LIBRARY_PATH: settings.libraryPath }),
    },
  });
  const runtime = converse(child, log);
  const { libraryPath: _, ...rest } = settings;
  await runtime.ask({ kind: 'start', ...rest });
  return runtime;
}

function converse(child: ChildProcess, log: Logger) {
  const socket = child.stdio[3] as Duplex;
  const pending = new Map<number, Pending>();
  const reader = new FrameReader();
  let lastId = 0;
  let gone: AtollError | undefined;

  const ended = new Promise<string>((resolve) => {
    const end = (words: string): void => {
      gone ??= runtimeGone(`the runtime process ${words}`);
      for (const question of pending.values()) question.reject(gone);
      pending.clear();
      resolve(words);
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('INFO') || line === '') log.debug('runtime', { line });
      else log.warn('runtime', { line: line.slice(0, 500) });
    });
  }
  socket.on('error', () => child.kill('SIGKILL'));
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const { head, payload } of reader.push(chunk)) settle(pending, head as FromChild, payload);
    } catch (error) {
      log.error('a runtime process sent what cannot be read', { error });
      child.kill('SIGKILL');
    }
  });

  const ask = (message: Unsent, tensors: readonly Uint8Array[] = [], onStarted: () => void = () => undefined) =>
    new Promise<{ head: FromChild; payload: Uint8Array }>((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      const id = ++lastId;
      // First of all, because a frame that is too long throws, and neither a corked socket nor a question may be left then.
      const parts = encodeFrame({ ...message, id }, tensors);
      pending.set(id, { onStarted, resolve, reject });
      socket.cork();
      for (const part of parts) socket.write(part);
      socket.uncork();
    });

  return {
    pid: child.pid ?? 0,
    ended,
    ask,
    async load(handle: string, candidates: readonly Candidate[]): Promise<LoadedInfo> {
      const { head } = await ask({ kind: 'load', handle, candidates });
      if (head.kind !== 'loaded') throw unexpected(head);
      const { backend, device, inputs, outputs, memoryBytes } = head;
      return { backend, device, inputs, outputs, memoryBytes };
    },
    async run(handle: string, inputs: readonly Uint8Array[], onStarted: () => void): Promise<RunResult> {
      const sizes = inputs.map((input) => input.byteLength);
      const sentMs = machineMs();
      const { head, payload } = await ask({ kind: 'run', handle, sizes }, inputs, onStarted);
      if (head.kind !== 'ran') throw unexpected(head);
      const { backend, device, startedMs, endedMs } = head;
      return {
        outputs: cutPayload(payload, head.sizes),
        backend,
        device,
        queueMs: 0,
        inputMs: startedMs - sentMs,
        inferMs: endedMs - startedMs,
        outputMs: machineMs() - endedMs,
      };
    },
    async unload(handle: string): Promise<void> {
      await ask({ kind: 'unload', handle });
    },
    async ping(): Promise<void> {
      await ask({ kind: 'ping' });
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function settle(pending: Map<number, Pending>, head: FromChild, payload: Uint8Array): void {
  const question = pending.get(head.id);
  if (question === undefined) return;
  if (head.kind === 'started') {
    question.onStarted();
    return;
  }
  pending.delete(head.id);
  if (head.kind === 'failed') question.reject(new AtollError(head.code, head.message));
  else question.resolve({ head, payload });
}

function unexpected(head: FromChild): AtollError {
  return new AtollError('INTERNAL', `the runtime process answered with ${head.kind}`);
}

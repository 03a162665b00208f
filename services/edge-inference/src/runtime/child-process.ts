import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { setPriority } from 'node:os';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import type { Logger } from '@atoll/base/log';
import {
  controlFrame,
  cutTensors,
  type Frame,
  frameKind,
  FrameReader,
  headBytes,
  parseControl,
  timesBytes,
  writeHead,
} from './frames.js';
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
  /** One at a time. INVALID_ARGUMENT for inputs of the wrong number or size. */
  run(handle: string, inputs: readonly Uint8Array[]): Promise<RunResult>;
  unload(handle: string): Promise<void>;
  ping(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** The error of a question that a child cannot answer any more, told apart from what a child itself calls unavailable. */
export function runtimeGone(message: string, cause?: unknown, begun = true): AtollError {
  return new AtollError('UNAVAILABLE', message, { cause, detail: { runtime: begun ? 'gone' : 'gone-before-run' } });
}

/** True for an error of runtimeGone. */
export function isRuntimeGone(error: unknown): boolean {
  return error instanceof AtollError && (error.detail['runtime']?.startsWith('gone') ?? false);
}

/** True for the end of a child that had certainly not begun the run. */
export function isBeforeRun(error: unknown): boolean {
  return error instanceof AtollError && error.detail['runtime'] === 'gone-before-run';
}

const entry = fileURLToPath(new URL('./child.js', import.meta.url));

type Unsent = { [K in ToChild['kind']]: Omit<Extract<ToChild, { kind: K }>, 'id'> }[ToChild['kind']];
type Answer = FromChild | Frame;

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: AtollError) => void;
}

interface Loaded {
  /** The child's name for it. */
  readonly model: number;
  readonly info: LoadedInfo;
  readonly inputBytes: readonly number[];
  readonly outputBytes: readonly number[];
  /** Of the frame with its outputs. */
  readonly answerBytes: number;
}

/** Starts a child and sets it up. `niceness` above 0 lets others have the processor first. */
export async function startChild(settings: ChildSettings, log: Logger, niceness = 0): Promise<RuntimeChild> {
  const { libraryPath, ...rest } = settings;
  const child = spawn(process.execPath, [...childOptions, entry], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...childEnvironment, ...(libraryPath === undefined ? {} : { LD_LIBRARY_PATH: libraryPath }) },
  });
  if (niceness > 0 && child.pid !== undefined) lower(child.pid, niceness, log);
  const runtime = converse(child, log);
  const late = setTimeout(runtime.kill, startTimeoutMs);
  try {
    await runtime.ask({ kind: 'start', ...rest });
    return runtime;
  } finally {
    clearTimeout(late);
  }
}

/** A child makes next to no garbage and compiles next to no code: a small young generation and no compiler threads. */
const childOptions = ['--max-semi-space-size=1', '--single-threaded-gc'];

/** One that was held up before it could say anything is no use, and nobody else watches it yet. */
const startTimeoutMs = 30_000;

const childEnvironment = {
  // The wait for the next run and the load of a model beside each other, and a second load.
  UV_THREADPOOL_SIZE: '3',
  // Models come and go from pool threads: with an arena a thread, what one frees another cannot use.
  MALLOC_ARENA_MAX: '1',
};

function converse(child: ChildProcess, log: Logger) {
  const socket = child.stdio[3] as Duplex;
  const pending = new Map<number, Pending>();
  const models = new Map<string, Loaded>();
  const reader = new FrameReader();
  let lastId = 0;
  let lastModel = 0;
  let gone: AtollError | undefined;
  /** True when the child ended with something of the last frame unread. */
  let lastUnread = false;

  const ended = new Promise<string>((resolve) => {
    const end = (words: string): void => {
      const message = `the runtime process ${words}`;
      gone ??= runtimeGone(message);
      for (const [id, question] of pending) {
        question.reject(id === lastId && lastUnread ? runtimeGone(message, undefined, false) : gone);
      }
      pending.clear();
      resolve(words);
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    // Not at its exit: the socket's own end, which may come after it, tells what was read.
    child.once('close', (code, signal) =>
      end(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('INFO') || line === '') log.debug('runtime', { line });
      else log.warn('runtime', { line: line.slice(0, 500) });
    });
  }
  socket.on('error', (error) => {
    // Linux: the other end of a pair of Unix sockets was closed while it held bytes that nobody had read, or before it was sent them all.
    lastUnread = ['ECONNRESET', 'EPIPE'].includes(errnoOf(error) ?? '');
    child.kill('SIGKILL');
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) settle(pending, frame);
    } catch (error) {
      log.error('a runtime process sent what cannot be read', { error });
      child.kill('SIGKILL');
    }
  });

  /** Frames are made before this, because one that is too long throws, and no question may be left then. */
  const exchange = (id: number, parts: readonly Uint8Array[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      pending.set(id, { resolve, reject });
      socket.cork();
      for (const part of parts) socket.write(part);
      socket.uncork();
    });
  const ask = async (message: Unsent): Promise<FromChild> => {
    const id = ++lastId;
    const answer = await exchange(id, [controlFrame({ ...message, id })]);
    if (typeof answer.kind === 'number') throw unexpected('the result of a run');
    return answer;
  };

  return {
    pid: child.pid ?? 0,
    ended,
    ask,
    async load(handle: string, candidates: readonly Candidate[]): Promise<LoadedInfo> {
      const model = models.get(handle)?.model ?? ++lastModel;
      const answer = await ask({ kind: 'load', model, candidates });
      if (answer.kind !== 'loaded') throw unexpected(answer.kind);
      const { backend, device, inputs, outputs, memoryBytes } = answer;
      const info = { backend, device, inputs, outputs, memoryBytes };
      const [inputBytes, outputBytes] = [inputs.map(tensorBytes), outputs.map(tensorBytes)];
      const answerBytes = outputBytes.reduce((sum, bytes) => sum + bytes, timesBytes);
      models.set(handle, { model, info, inputBytes, outputBytes, answerBytes });
      return info;
    },
    async run(handle: string, inputs: readonly Uint8Array[]): Promise<RunResult> {
      const loaded = models.get(handle);
      if (loaded === undefined) throw new AtollError('NOT_FOUND', `cannot run ${handle}: it is not loaded`);
      const head = Buffer.allocUnsafe(headBytes);
      const bodyBytes = inputs.reduce((sum, input) => sum + input.byteLength, 0);
      const id = ++lastId;
      writeHead(head, { bodyBytes, kind: frameKind.run, id, model: loaded.model });
      checkInputs(handle, loaded, inputs);
      const sentMs = machineMs();
      const answer = await exchange(id, [head, ...inputs]);
      if (typeof answer.kind !== 'number') throw unexpected(answer.kind);
      const { body } = answer;
      if (body.byteLength !== loaded.answerBytes) {
        // Whatever went wrong in there, its next answer may have the right length and be as wrong.
        child.kill('SIGKILL');
        throw runtimeGone(`the runtime process answered ${body.byteLength} bytes, not ${loaded.answerBytes}`);
      }
      const [startedMs, endedMs] = [body.readDoubleLE(0), body.readDoubleLE(8)];
      return {
        outputs: cutTensors(body.subarray(timesBytes), loaded.outputBytes),
        backend: loaded.info.backend,
        device: loaded.info.device,
        queueMs: 0,
        inputMs: startedMs - sentMs,
        inferMs: endedMs - startedMs,
        outputMs: machineMs() - endedMs,
      };
    },
    async unload(handle: string): Promise<void> {
      const loaded = models.get(handle);
      if (loaded === undefined) return;
      models.delete(handle);
      await ask({ kind: 'unload', model: loaded.model });
    },
    async ping(): Promise<void> {
      await ask({ kind: 'ping' });
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function settle(pending: Map<number, Pending>, frame: Frame): void {
  const answer = frame.kind === frameKind.control ? (parseControl(frame.body) as FromChild) : frame;
  const question = pending.get(answer.id);
  if (question === undefined) return;
  pending.delete(answer.id);
  if (answer.kind === 'failed') question.reject(new AtollError(answer.code, answer.message));
  else question.resolve(answer);
}

function checkInputs(handle: string, { info, inputBytes }: Loaded, inputs: readonly Uint8Array[]): void {
  if (inputs.length !== inputBytes.length) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot run ${handle}: it takes ${inputBytes.length} inputs, not ${inputs.length}`,
    );
  }
  for (const [i, expected] of inputBytes.entries()) {
    const actual = inputs[i]?.byteLength;
    if (actual === expected) continue;
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot run ${handle}: input ${info.inputs[i]?.name} takes ${expected} bytes, not ${actual}`,
    );
  }
}

/** The child may have ended already, or the system may not allow it: neither is in the way of what it is for. */
function lower(pid: number, niceness: number, log: Logger): void {
  try {
    setPriority(pid, niceness);
  } catch (error) {
    log.debug('the priority of a runtime process could not be lowered', { pid, reason: reasonOf(error) });
  }
}

function unexpected(kind: string): AtollError {
  return new AtollError('INTERNAL', `the runtime process answered with ${kind}`);
}

/** Servers that are measured alike: each a process tree of its own at an address, ready when it says that its model is. */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Env } from '@atoll/base/env';
import { AtollError, reasonOf } from '@atoll/base/error';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { openChannel } from '@atoll/rpc/channel';
import { processTree } from './process-tree.js';
import type { ServedModel } from './served-models.js';

/** A way to serve a model by the Open Inference Protocol over gRPC. */
export interface BenchServer {
  readonly name: string;
  readonly ours: boolean;
  /** How it is configured, for the conditions of figures. */
  readonly setUp: string;
  start(model: ServedModel, signal: AbortSignal): Promise<RunningServer>;
}

/** A server whose model is ready. */
export interface RunningServer {
  readonly address: string;
  /** host:port of its REST; undefined when it was not asked for. */
  readonly http?: string;
  /** The root of its processes. */
  readonly pid: number;
  /** From its start to the answer that the model is ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** How to start a server's process. */
export interface ServerProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Env;
  readonly address: string;
  readonly http?: string;
}

const pollMs = 5;
const startTimeoutMs = 60_000;
const graceMs = 15_000;
const keptChars = 4_000;

/** Starts it and asks until the model is ready; whatever fails, none of its processes is left. */
export async function spawnServer(server: ServerProcess, model: string, signal: AbortSignal): Promise<RunningServer> {
  signal.throwIfAborted();
  const startedMs = performance.now();
  const child = spawn(server.command, [...server.args], { env: server.env, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-keptChars)));
  let ended: string | undefined;
  const end = new Promise<void>((resolve) => {
    const told = (how: string): void => {
      ended ??= how;
      resolve();
    };
    child.once('error', (error) => told(error.message));
    child.once('exit', (code, by) => told(by === null ? `exit code ${code}` : `signal ${by}`));
  });
  const stop = async (): Promise<void> => {
    const all = child.pid === undefined ? [] : await processTree(child.pid);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await end;
    clearTimeout(timer);
    for (const { pid } of all.slice(1)) await killLeft(pid);
  };
  try {
    const deadlineMs = startedMs + startTimeoutMs;
    const failure = (): AtollError | undefined => {
      const last = words.trim().split('\n').slice(-3).join('; ');
      if (ended !== undefined)
        return new AtollError('FAILED_PRECONDITION', `cannot start ${server.command}: ${ended}: ${last}`);
      if (performance.now() < deadlineMs) return undefined;
      return new AtollError('DEADLINE_EXCEEDED', `cannot start ${server.command} within ${startTimeoutMs} ms: ${last}`);
    };
    await untilReady(server.address, model, failure, signal);
    const readyMs = performance.now() - startedMs;
    const { address, http } = server;
    return { address, ...(http === undefined ? {} : { http }), pid: child.pid ?? 0, readyMs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A port of the loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A connection is tried first, since a gRPC channel waits ever longer between its tries. */
async function untilReady(
  address: string,
  model: string,
  failure: () => AtollError | undefined,
  signal: AbortSignal,
): Promise<void> {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const goesOn = async (): Promise<void> => {
    const failed = failure();
    if (failed !== undefined) throw failed;
    await pause(pollMs, undefined, { signal });
  };
  while (!(await accepts(port))) await goesOn();
  const channel = openChannel(address);
  try {
    const client = channel.client(GRPCInferenceServiceService);
    const isReady = async (): Promise<boolean> => {
      try {
        return (await client.modelReady({ name: model, version: '' }, { signal, timeoutMs: 2_000 })).ready;
      } catch {
        return false; // Not there yet, or it never will be: failure() knows.
      }
    };
    while (!(await isReady())) await goesOn();
  } finally {
    channel.close();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A process that its server has left behind. */
async function killLeft(pid: number): Promise<void> {
  if ((await processTree(pid)).length === 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!reasonOf(error).includes('ESRCH')) throw error;
  }
}

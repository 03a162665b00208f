/** A closed loop of requests, and what the server used meanwhile. */
import { cpuSecondsOf, processTree } from './process-tree.js';
import type { RunningServer } from './bench-server.js';
import type { ServedModel } from './served-models.js';

/** What a client saw. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the client a request; null where it is not known. */
  readonly clientCpuMs: number | null;
}

/** What to send, how much at a time, and for how long; raw tensors by either protocol. */
export interface Load {
  readonly protocol: 'grpc' | 'rest';
  readonly concurrency: number;
  readonly seconds: number;
}

/** Whoever sends the requests. */
export interface LoadClient {
  readonly name: string;
  run(server: RunningServer, model: ServedModel, load: Load, signal: AbortSignal): Promise<LoadResult>;
}

/** The same with the server's share. */
export interface LoadOnServer extends LoadResult {
  /** Processor time of the server's root process a request, and of its children's. */
  readonly frontCpuMs: number;
  readonly childrenCpuMs: number;
}

const sampleMs = 100;

interface Sample {
  readonly atMs: number;
  readonly frontSeconds: number;
  readonly childrenSeconds: number;
}

/**
 * Puts a load on a server. What its processes used a second in the middle of the run, divided by the requests a second, is
 * what a request cost: the client does not tell how many requests it sent outside of its windows.
 */
export async function loadServer(
  client: LoadClient,
  server: RunningServer,
  model: ServedModel,
  load: Load,
  signal: AbortSignal,
): Promise<LoadOnServer> {
  // The processes are looked up once: a sample must cost next to nothing, since it shares the processor.
  const pids = (await processTree(server.pid)).map(({ pid }) => pid);
  const samples: Sample[] = [];
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sampling.then(async () => {
      samples.push(await sample(pids));
    });
  }, sampleMs);
  try {
    const result = await client.run(server, model, load, signal);
    clearInterval(timer);
    await sampling;
    const first = samples[Math.floor(samples.length * 0.25)];
    const last = samples[Math.floor(samples.length * 0.9)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs)
      return { ...result, frontCpuMs: Number.NaN, childrenCpuMs: Number.NaN };
    const requests = (result.requestsPerSecond * (last.atMs - first.atMs)) / 1000;
    return {
      ...result,
      frontCpuMs: ((last.frontSeconds - first.frontSeconds) * 1000) / requests,
      childrenCpuMs: ((last.childrenSeconds - first.childrenSeconds) * 1000) / requests,
    };
  } finally {
    clearInterval(timer);
  }
}

async function sample(pids: readonly number[]): Promise<Sample> {
  const [front = 0, ...children] = await Promise.all(pids.map(cpuSecondsOf));
  return {
    atMs: performance.now(),
    frontSeconds: front,
    childrenSeconds: children.reduce((sum, seconds) => sum + seconds, 0),
  };
}

/** A node that stands alone, as a process, with one small model in a repository of its own, and clients that load it. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toAtollError } from '@atoll/base/error';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { type Channel, type ChannelSecurity, openChannel } from '@atoll/rpc/channel';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { type ServiceProcess, startServiceProcess } from './service-process.js';

/** The name of the model that a node serves from its start. */
export const tinyModel = 'tiny';
const size = 16;

/** A node, and how to ask it. */
export interface ServingNode {
  readonly process: ServiceProcess;
  /** http://host:port, https where the settings name a certificate. */
  readonly http: string;
  /** Writes a model of this many classes and side into the repository. */
  addModel(name: string, classes: number, side: number): Promise<void>;
  /** A connection of its own. */
  connect(security?: ChannelSecurity): Channel;
  /** The resident memory of the front in bytes. */
  memoryBytes(): Promise<number>;
  /** The value of a metric, with its labels as they are written. */
  metric(line: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts one with these settings. */
export async function startServingNode(settings: Readonly<Record<string, string>> = {}): Promise<ServingNode> {
  const repository = await mkdtemp(join(tmpdir(), 'atoll-serving-'));
  const addModel = async (name: string, classes: number, side: number): Promise<void> => {
    const folder = join(repository, name, '1');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'model.tflite'), tinyClassifier({ seed: 1, size: side, classes, io: 'uint8' }));
  };
  await addModel(tinyModel, 6, size);
  const httpListen = `127.0.0.1:${await freePort()}`;
  const http = `${settings['ATOLL_EDGE_INFERENCE_TLS_CERT'] === undefined ? 'http' : 'https'}://${httpListen}`;
  const process = await startServiceProcess('edge-inference', {
    ATOLL_EDGE_INFERENCE_LISTEN: '127.0.0.1:0',
    ATOLL_EDGE_INFERENCE_HTTP_LISTEN: httpListen,
    ATOLL_EDGE_INFERENCE_REPOSITORY: repository,
    ...settings,
  });
  const channels: Channel[] = [];
  return {
    process,
    http,
    addModel,
    connect(security) {
      const channel = openChannel(process.address, security);
      channels.push(channel);
      return channel;
    },
    async memoryBytes() {
      const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    async metric(line) {
      const text = await (await fetch(`${http}/metrics`)).text();
      const found = text.split('\n').find((candidate) => candidate.startsWith(`${line} `));
      return Number(found?.slice(line.length + 1));
    },
    async stop() {
      for (const channel of channels) channel.close();
      await process.stop();
      await rm(repository, { recursive: true, force: true });
    },
  };
}

/** One inference; `timeoutMs` is its deadline. */
export async function inferOnce(channel: Channel, timeoutMs = 20_000): Promise<void> {
  await channel.client(GRPCInferenceServiceService).modelInfer(tinyRequest(), { timeoutMs });
}

/** A request of the small model. */
export function tinyRequest() {
  const shape = [1n, BigInt(size), BigInt(size), 3n];
  return {
    modelName: tinyModel,
    modelVersion: '',
    id: '',
    parameters: {},
    inputs: [{ name: 'image', datatype: 'UINT8', shape, parameters: {}, contents: undefined }],
    outputs: [],
    rawInputContents: [Buffer.alloc(size * size * 3, 7)],
  };
}

/** Clients that ask without pause. */
export interface Load {
  readonly answered: number;
  /** Codes of the requests that failed. */
  readonly failures: readonly string[];
  /** Of each answer, from its request. */
  readonly latenciesMs: readonly number[];
  /** Milliseconds from now to the next answer of a request that is sent from now on. */
  nextAnswerMs(): Promise<number>;
  end(): Promise<void>;
}

/** Starts clients, each with a connection of its own and one request at a time. */
export function startLoad(node: ServingNode, clients: number): Load {
  const failures: string[] = [];
  const latenciesMs: number[] = [];
  const waiting = new Set<{ readonly sinceMs: number; readonly resolve: (ms: number) => void }>();
  let ended = false;
  const client = async (channel: Channel): Promise<void> => {
    while (!ended) {
      const beganMs = performance.now();
      try {
        await inferOnce(channel);
        const nowMs = performance.now();
        latenciesMs.push(nowMs - beganMs);
        for (const one of waiting) {
          if (beganMs < one.sinceMs) continue;
          waiting.delete(one);
          one.resolve(nowMs - one.sinceMs);
        }
      } catch (error) {
        failures.push(toAtollError(error).code);
      }
    }
  };
  const all = Array.from({ length: clients }, () => client(node.connect()));
  return {
    get answered() {
      return latenciesMs.length;
    },
    failures,
    latenciesMs,
    nextAnswerMs: () => new Promise((resolve) => waiting.add({ sinceMs: performance.now(), resolve })),
    async end() {
      ended = true;
      await Promise.all(all);
    },
  };
}

/** The value below which this share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

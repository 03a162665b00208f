/**
 * `atoll bench serve`: the same model behind Atoll's node and behind its peers, the same client for all. The servers take turns
 * in rounds, one running at a time, so that whatever else the machine does meets all of them; of the rounds the median counts.
 * Client and server share the cores, so what a request costs in processor time says more than requests a second.
 */
import type { Context } from '../context.js';
import { atollServer } from './atoll-server.js';
import type { BenchServer } from './bench-server.js';
import { machineConditions } from './conditions.js';
import type { BenchFigure } from './figure.js';
import { type Load, type LoadClient, type LoadOnServer, loadServer } from './load.js';
import { nodeLoad } from './load-loop.js';
import { hasPerfAnalyzer, perfAnalyzer } from './perf-analyzer.js';
import { kservePeer, mlserverPeer, type Peer, peerPython, perfAnalyzerPeer, tritonPeer } from './peer-python.js';
import { predictPhoto, type PhotoTimes } from './predict-photo.js';
import { processTree, pssBytesOf } from './process-tree.js';
import { pythonServer } from './python-server.js';
import { describeServe, serveFigures } from './serve-figures.js';
import type { ServedModel } from './served-models.js';
import { tritonServer } from './triton-server.js';

/** The servers by the names that --only knows. */
export type ServerName = 'atoll' | 'atoll-1' | 'kserve' | 'mlserver' | 'triton';

/** All of them. */
export const serverNames: readonly ServerName[] = ['atoll', 'atoll-1', 'triton', 'kserve', 'mlserver'];

/** What to measure. */
export interface ServeBench {
  readonly model: ServedModel;
  readonly only: readonly ServerName[];
  /** Of Atoll's node; `atoll-1` has one. */
  readonly slots: number;
  readonly rounds: number;
  /** How long one load lasts. */
  readonly seconds: number;
  /** How long a started server is warmed before its first load. */
  readonly warmSeconds: number;
  /** Starts whose time to ready is measured. */
  readonly starts: number;
  readonly client: 'perf_analyzer' | 'node';
}

/** Whose REST is measured too: it comes after the rest of each round, and is shorter. */
const restServers: readonly ServerName[] = ['atoll', 'triton'];
const restShare = 0.4;
const restWarmShare = 1 / 6;

/** How many requests are under way at a time. */
export const concurrencies: readonly number[] = [1, 8];

/** What one server was measured at; of several rounds. */
export interface ServerResult {
  readonly server: BenchServer;
  readonly loads: ReadonlyMap<number, readonly LoadOnServer[]>;
  /** Over REST; empty where that was not measured. */
  readonly rest: ReadonlyMap<number, readonly LoadOnServer[]>;
  readonly readyMs: readonly number[];
  /** After the loads. */
  readonly memory: readonly ServerMemory[];
  readonly photo: readonly PhotoTimes[];
}

/** Memory of a server's processes. */
export interface ServerMemory {
  /** Resident, of its root and of each of its children. */
  readonly frontBytes: number;
  readonly childrenBytes: readonly number[];
  /** Of all, with shared pages counted once. */
  readonly pssBytes: number;
}

const photoCalls = 100;

/** Measures all servers that are there, and prints the table. */
export async function benchServe(bench: ServeBench, context: Context): Promise<readonly BenchFigure[]> {
  const servers = await findServers(bench, context);
  const client = await findClient(bench, context);
  const conditions = {
    model: bench.model.name,
    client: client.name,
    rounds: bench.rounds,
    seconds: bench.seconds,
    warmSeconds: bench.warmSeconds,
    ...machineConditions(),
  };
  const none = (): Map<number, LoadOnServer[]> => new Map(concurrencies.map((concurrency) => [concurrency, []]));
  const results = servers.map(({ name, server }) => ({
    server,
    loads: none(),
    rest: restServers.includes(name) ? none() : new Map<number, LoadOnServer[]>(),
    readyMs: new Array<number>(),
    memory: new Array<ServerMemory>(),
    photo: new Array<PhotoTimes>(),
  }));
  for (let round = 0; round < bench.rounds; round++) {
    for (const result of results) {
      context.progress.line(`round ${round + 1} of ${bench.rounds}: ${result.server.name}`);
      await measureOnce(result, client, bench, context.signal);
    }
  }
  for (let start = bench.rounds; start < bench.starts; start++) {
    for (const { server, readyMs } of results) {
      context.progress.line(`start ${start + 1} of ${bench.starts}: ${server.name}`);
      const running = await server.start(bench.model, context.signal);
      readyMs.push(running.readyMs);
      await running.stop();
    }
  }
  context.progress.end();
  context.err(`${describeServe(results, conditions)}\n\n`);
  return serveFigures(results, conditions);
}

type Growing = {
  readonly server: BenchServer;
  readonly loads: Map<number, LoadOnServer[]>;
  readonly rest: Map<number, LoadOnServer[]>;
  readonly readyMs: number[];
  readonly memory: ServerMemory[];
  readonly photo: PhotoTimes[];
};

async function measureOnce(
  { server, loads, rest, readyMs, memory, photo }: Growing,
  client: LoadClient,
  { model, seconds, warmSeconds }: ServeBench,
  signal: AbortSignal,
): Promise<void> {
  const running = await server.start(model, signal);
  try {
    readyMs.push(running.readyMs);
    // Servers run for days: of code that is compiled as it runs, the compiled is measured, of all servers alike.
    const measure = async (
      protocol: Load['protocol'],
      into: Map<number, LoadOnServer[]>,
      lasting: Pick<ServeBench, 'seconds' | 'warmSeconds'>,
    ): Promise<void> => {
      const most = Math.max(...into.keys());
      const warm = { protocol, concurrency: most, seconds: lasting.warmSeconds };
      if (warm.seconds > 0) await client.run(running, model, warm, signal);
      for (const [concurrency, results] of into) {
        const load = { protocol, concurrency, seconds: lasting.seconds };
        results.push(await loadServer(client, running, model, load, signal));
      }
    };
    await measure('grpc', loads, { seconds, warmSeconds });
    memory.push(await memoryOf(running.pid));
    if (server.ours) photo.push(await predictPhoto(running, model, photoCalls, signal));
    const short = { seconds: seconds * restShare, warmSeconds: warmSeconds * restWarmShare };
    if (rest.size > 0) await measure('rest', rest, short);
  } finally {
    await running.stop();
  }
}

async function memoryOf(root: number): Promise<ServerMemory> {
  const tree = await processTree(root);
  const [frontBytes = 0, ...childrenBytes] = tree.map(({ rssBytes }) => rssBytes);
  const pss = await Promise.all(tree.map(({ pid }) => pssBytesOf(pid)));
  return { frontBytes, childrenBytes, pssBytes: pss.reduce((sum, bytes) => sum + bytes, 0) };
}

interface NamedServer {
  readonly name: ServerName;
  readonly server: BenchServer;
}

async function findServers({ only, slots }: ServeBench, context: Context): Promise<readonly NamedServer[]> {
  const { env } = context;
  const servers: NamedServer[] = [];
  for (const name of only) {
    if (name === 'atoll') servers.push({ name, server: atollServer(env, slots) });
    else if (name === 'atoll-1') servers.push({ name, server: atollServer(env, 1) });
    else {
      const python = await findPython(peers[name], context);
      if (python === undefined) continue;
      servers.push({ name, server: name === 'triton' ? tritonServer(python, env) : pythonServer(name, python, env) });
    }
  }
  return servers;
}

const peers = { kserve: kservePeer, mlserver: mlserverPeer, triton: tritonPeer } as const;

async function findClient({ client }: ServeBench, context: Context): Promise<LoadClient> {
  if (client === 'node') return nodeLoad;
  const python = await findPython(perfAnalyzerPeer, context);
  const triton = python === undefined ? undefined : await findPython(tritonPeer, context);
  if (python === undefined || triton === undefined || !(await hasPerfAnalyzer(python))) return nodeLoad;
  return perfAnalyzer(python, triton, context.env);
}

async function findPython(peer: Peer, context: Context): Promise<string | undefined> {
  const found = await peerPython(peer, context.env, true);
  if ('python' in found) return found.python;
  context.err(`without the peer ${peer.requirement}: ${found.skip}\n`);
  return undefined;
}

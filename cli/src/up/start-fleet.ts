/**
 * A whole fleet on this machine, each service and each node a process of its own. A service that dies ends the fleet with
 * a line that says which; a node that dies is started again on the same address. Stopping goes from the nodes inwards.
 */
import { access, mkdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { writeFileAtomic } from '@atoll/base/files';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { openChannel } from '@atoll/rpc/channel';
import { type Child, lastWords, startChild } from './child.js';
import { type FleetDescription, fleetFilePath } from './fleet-file.js';
import { lockDataDir } from './lock.js';
import { prepareDataDir } from './prepare.js';
import {
  type FleetSetting,
  hubSpec,
  logPath,
  nodeSpec,
  quantizerSpec,
  registrySpec,
  rolloutSpec,
  trainerSpec,
} from './services.js';

/** What to start. */
export interface FleetOptions {
  readonly dataDir: string;
  readonly nodes: number;
  readonly anyPorts: boolean;
  readonly env: Env;
  /** A line for people. */
  readonly say: (text: string) => void;
  /** Aborting it gives the start up. */
  readonly signal: AbortSignal;
}

/** A fleet that is ready. */
export interface RunningFleet {
  readonly description: FleetDescription;
  /** Rejects with one line once a service has died by itself; never resolves. */
  readonly failed: Promise<never>;
  /** Drains and ends every process. */
  stop(): Promise<void>;
}

const graceMs = 15_000;
const onlineTimeoutMs = 60_000;
const restartDelaysMs = { first: 250, most: 10_000 } as const;

/** Starts a fleet; when anything of it cannot start, all is ended again and the reason thrown. */
export async function startFleet(options: FleetOptions): Promise<RunningFleet> {
  const { dataDir, env, signal } = options;
  const ending = new AbortController();
  const undo: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      ending.abort();
      for (const step of undo.splice(0).toReversed()) await step();
    })());
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // Whoever waits for it hears of it; nobody need.
  failed.catch(() => undefined);

  const start = async (spec: Parameters<typeof startChild>[0]): Promise<Child> => {
    const child = await startChild(spec, signal);
    undo.push(() => child.stop(graceMs));
    void child.ended.then(async (how) => {
      if (!ending.signal.aborted) fail(await died(dataDir, child, how));
    });
    return child;
  };

  try {
    const keys = await prepare(options, undo);
    const setting: FleetSetting = { dataDir, env, keys, anyPorts: options.anyPorts };
    const nats = env['ATOLL_NATS_URL'] ?? (await start(hubSpec(setting, await natsProgram(env)))).address;
    const [registry, trainer, quantizer] = await settled([
      start(registrySpec(setting)),
      start(trainerSpec(setting)),
      start(quantizerSpec(setting)),
    ]);
    const at = { nats, registry: registry.address };
    const rollout = await start(rolloutSpec(setting, at));

    const kept = keys.nodes.map((node, index) =>
      keepNode((address) => nodeSpec(setting, node, index, at, address), options, ending.signal),
    );
    const nodes = await settled(
      kept.map(async (node) => {
        const first = await node;
        undo.push(() => first.stop());
        return first;
      }),
    );
    const description: FleetDescription = {
      server: rollout.address,
      trainer: trainer.address,
      quantizerCompiler: quantizer.address,
      registry: registry.address,
      nats,
      nodes: keys.nodes.map(({ id }, index) => ({ id, address: nodes[index]?.address ?? '' })),
      dataDir,
      pid: process.pid,
    };
    await untilOnline(description, signal);
    undo.push(() => rm(fleetFilePath(dataDir), { force: true }));
    await writeFileAtomic(fleetFilePath(dataDir), `${JSON.stringify(description, null, 2)}\n`);
    return { description, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepare(options: FleetOptions, undo: (() => Promise<unknown>)[]) {
  await mkdir(options.dataDir, { recursive: true });
  undo.push(await lockDataDir(options.dataDir));
  return prepareDataDir(options.dataDir, options.nodes);
}

/** All results, or the first error once every start has settled: none may still be on its way when the rest is ended. */
async function settled<T extends readonly Promise<unknown>[]>(
  starts: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(starts);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}

/** Starts a node and starts it again whenever it ends by itself, with a growing pause. */
async function keepNode(
  specAt: (address?: string) => Parameters<typeof startChild>[0],
  { say, signal }: FleetOptions,
  ending: AbortSignal,
): Promise<{ readonly address: string; stop(): Promise<void> }> {
  let child = await startChild(specAt(), signal);
  const { address, name } = child;
  const keep = async (): Promise<void> => {
    let pauseMs: number = restartDelaysMs.first;
    for (;;) {
      const beganMs = performance.now();
      const how = await child.ended;
      if (ending.aborted) return;
      if (performance.now() - beganMs > restartDelaysMs.most) pauseMs = restartDelaysMs.first;
      say(`${name} ended with ${how}; it is started again`);
      try {
        await delay(pauseMs, undefined, { signal: ending });
        child = await startChild(specAt(address), ending);
      } catch (error) {
        if (ending.aborted) return;
        say(`${name} cannot be started again yet: ${error instanceof Error ? error.message : String(error)}`);
      }
      pauseMs = Math.min(pauseMs * 2, restartDelaysMs.most);
    }
  };
  const keeping = keep();
  return {
    address,
    stop: async () => {
      await child.stop(graceMs);
      await keeping;
    },
  };
}

async function natsProgram(env: Env): Promise<string> {
  const program = env['ATOLL_NATS_SERVER'] ?? cachePaths(env).natsServer;
  try {
    await access(program);
    return program;
  } catch (error) {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot start the fleet: nats-server is not at ${program}; npm start brings it, or set ATOLL_NATS_SERVER or ATOLL_NATS_URL`,
      { cause: error },
    );
  }
}

/** Waits until the controller has heard of every node. */
async function untilOnline({ server, nodes }: FleetDescription, signal: AbortSignal): Promise<void> {
  const channel = openChannel(server);
  const rollout = channel.client(RolloutServiceService);
  try {
    await eventually(
      async () => {
        if (signal.aborted) return;
        const heard = await rollout.listNodes({ pageSize: 0, pageToken: '' }, { signal, timeoutMs: 5_000 });
        const online = new Set(heard.nodes.filter((node) => node.online).map(({ id }) => id));
        const away = nodes.filter(({ id }) => !online.has(id)).map(({ id }) => id);
        if (away.length > 0)
          throw new AtollError('UNAVAILABLE', `cannot start the fleet: nothing is heard of ${away.join(', ')}`);
      },
      onlineTimeoutMs,
      50,
    );
  } finally {
    channel.close();
  }
  signal.throwIfAborted();
}

async function died(dataDir: string, { name }: Child, how: string): Promise<AtollError> {
  const path = logPath(dataDir, name);
  const words = await lastWords(path);
  return new AtollError(
    'UNAVAILABLE',
    `cannot keep the fleet up: ${name} ended with ${how}${words === undefined ? '' : ` (${words})`}; its log is ${path}`,
  );
}

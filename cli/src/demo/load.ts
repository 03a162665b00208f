/** Clients that ask all nodes for predictions without a pause, and what came of each request. */
import { readFile } from 'node:fs/promises';
import { reasonOf } from '@atoll/base/error';
import { InferenceServiceService } from '@atoll/proto/atoll/v1/inference';
import { openChannel } from '@atoll/rpc/channel';
import type { FleetDescription } from '../up/fleet-file.js';

/** One request. */
export interface Asked {
  readonly nodeId: string;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Version that answered; undefined when it failed. */
  readonly version: bigint | undefined;
  readonly error: string | undefined;
}

/** A load that runs until it is stopped. */
export interface Load {
  readonly clients: number;
  /** What has been answered so far, in the order of the answers. */
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

const clientsPerNode = 2;
const requestTimeoutMs = 20_000;

/** Starts two clients a node, each with a connection of its own; they go round the photos. */
export async function startLoad(
  nodes: FleetDescription['nodes'],
  model: string,
  photoPaths: readonly string[],
): Promise<Load> {
  const photos = await Promise.all(photoPaths.map((path) => readFile(path)));
  const asked: Asked[] = [];
  const stopping = new AbortController();
  const client = async (nodeId: string, address: string, first: number): Promise<void> => {
    const channel = openChannel(address);
    const inference = channel.client(InferenceServiceService);
    for (let count = first; !stopping.signal.aborted; count++) {
      const image = photos[count % photos.length] ?? Buffer.alloc(0);
      const sentMs = performance.now();
      const done = (version: bigint | undefined, error?: string): void =>
        void asked.push({ nodeId, sentMs, answeredMs: performance.now(), version, error });
      try {
        const { version } = await inference.predict(
          { model, version: 0n, versionLabel: '', image, top: 1 },
          { timeoutMs: requestTimeoutMs },
        );
        done(version);
      } catch (error) {
        done(undefined, reasonOf(error));
      }
    }
    channel.close();
  };
  const clients = nodes.flatMap(({ id, address }) =>
    Array.from({ length: clientsPerNode }, (_, index) => client(id, address, index * 7)),
  );
  return {
    clients: clients.length,
    asked,
    stop: async () => {
      stopping.abort();
      await Promise.all(clients);
    },
  };
}

/** What a load met while one version took another's place. */
export interface SwapFigures {
  readonly requests: number;
  readonly failed: number;
  /** Requests whose answer named neither version. */
  readonly strangers: number;
  /** For each node: other requests under way while the first request that the new version answered was. */
  readonly inFlightAtFlip: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The figures of a swap from `from` to `to`. */
export function swapFigures(
  asked: readonly Asked[],
  nodes: readonly string[],
  versions: { readonly from: bigint; readonly to: bigint },
): SwapFigures {
  const answered = asked.filter(({ version }) => version !== undefined);
  const latencies = answered.map(({ sentMs, answeredMs }) => answeredMs - sentMs).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    requests: asked.length,
    failed: asked.length - answered.length,
    strangers: answered.filter(({ version }) => version !== versions.from && version !== versions.to).length,
    inFlightAtFlip: Object.fromEntries(nodes.map((node) => [node, inFlightAtFlip(asked, node, versions.to)])),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

function inFlightAtFlip(asked: readonly Asked[], node: string, to: bigint): number {
  const here = asked.filter(({ nodeId }) => nodeId === node);
  const first = here.find(({ version }) => version === to);
  if (first === undefined) return 0;
  return here.filter((one) => one !== first && one.sentMs < first.answeredMs && one.answeredMs > first.sentMs).length;
}

/**
 * A fleet of one node with the director's pen in the test's hand: real nats-server, registry and node as processes, tiny
 * models of two kinds of weights, real signatures.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { uploadBlobs } from '@atoll/artifacts/remote';
import { cachePaths } from '@atoll/base/cache';
import { sha256 } from '@atoll/base/digest';
import { silentLogger } from '@atoll/base/log';
import { type Bus, connectBus } from '@atoll/bus/connect';
import { type ControllerBus, openControllerBus } from '@atoll/bus/controller-bus';
import { createCredentials, credentialsOf } from '@atoll/bus/credentials';
import { encodeUserSeed } from '@atoll/bus/nkey';
import { startTestServer, type TestServer } from '@atoll/bus/test-server';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import type { ReleaseManifest, SoakPolicy, StatusReport } from '@atoll/proto/atoll/v1/release';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { chunkDigests } from '@atoll/release/chunks';
import { sealDesired } from '@atoll/release/desired';
import { decodeEnvelope, encodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { generateKeyPair, writePrivateKey, writePublicKeys } from '@atoll/release/keys';
import { sealRelease } from '@atoll/release/manifest';
import { openStatus } from '@atoll/release/status';
import { type Channel, openChannel } from '@atoll/rpc/channel';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { type ServiceProcess, startServiceProcess } from './service-process.js';

/** The model that every release here is of. */
export const modelName = 'tiny';
/** The one node. */
export const nodeId = 'node-1';

const size = 16;
const classes = 6;
const chunkSizeBytes = 4_096;

/** The fleet. */
export interface FleetOfOne {
  readonly nats: TestServer;
  readonly controller: ControllerBus;
  /** The newest report that was heard. */
  report(): StatusReport | undefined;
  /** Makes, signs and publishes a version; its weights are drawn from its number. */
  publish(version: bigint): Promise<string>;
  /** Signs and puts a newer desired state; gives its generation. */
  order(version: bigint, manifestSha256: string, soak?: Partial<SoakPolicy>): Promise<bigint>;
  /** Puts the last desired state again, as a controller does that repairs. */
  repair(): Promise<void>;
  startNode(): Promise<ServiceProcess>;
  stopRegistry(): Promise<void>;
  /** Asks the node over gRPC; gives the version that answered. */
  ask(node: ServiceProcess): Promise<bigint>;
  /** What the node's journal says now. */
  journal(): Promise<{ readonly phase: string; readonly active?: { readonly version: string } }>;
  stop(): Promise<void>;
}

/** Starts all but the node. */
export async function startFleetOfOne(folder: string, natsServer: string): Promise<FleetOfOne> {
  const [build, director, node] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
  const path = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true });
  await writePublicKeys(path('build.pub.pem'), [build.publicKey]);
  await writePublicKeys(path('director.pub.pem'), [director.publicKey]);
  await writePrivateKey(path('node.pem'), node.privateKey);
  const nodeLogin = await createCredentials(path('node.seed'));
  const controllerLogin = credentialsOf(encodeUserSeed(randomBytes(32)));
  const nats = await startTestServer(natsServer, {
    controllerPublicNkey: controllerLogin.publicNkey,
    nodes: [{ id: nodeId, publicNkey: nodeLogin.publicNkey }],
  });
  const registry = await startServiceProcess('registry', {
    ATOLL_REGISTRY_LISTEN: '127.0.0.1:0',
    ATOLL_REGISTRY_DATA_DIR: path('registry'),
    ATOLL_REGISTRY_BUILD_KEYS: path('build.pub.pem'),
  });
  const log = silentLogger;
  const signal = new AbortController().signal;
  const bus: Bus = await connectBus({ servers: [nats.url], credentials: controllerLogin, name: 'test', log, signal });
  const controller = await openControllerBus(bus);
  let report: StatusReport | undefined;
  controller.onStatus((_id, bytes) => {
    report = openStatus(decodeEnvelope(bytes, payloadTypes.status), node.publicKey, nodeId);
  });
  const channels = new Map<string, Channel>();
  const channelTo = (address: string): Channel => {
    const channel = channels.get(address) ?? openChannel(address);
    channels.set(address, channel);
    return channel;
  };
  let generation = 0n;
  let lastOrder: Uint8Array | undefined;

  return {
    nats,
    controller,
    report: () => report,
    publish: async (version) => {
      const { manifest, blobs } = await tinyRelease(version);
      const channel = channelTo(registry.address);
      const outgoing = blobs.map((bytes) => ({ sha256: sha256(bytes), sizeBytes: bytes.length, source: { bytes } }));
      await uploadBlobs(channel, outgoing, signal);
      const envelope = sealRelease(manifest, build.privateKey);
      await channel.client(RegistryServiceService).publishRelease({ envelope, alias: '' });
      return sha256(envelope.payload);
    },
    order: async (version, manifestSha256, soak = {}) => {
      generation += 1n;
      const state = {
        nodeId,
        generation,
        rollout: 'fault',
        model: modelName,
        version,
        manifestSha256,
        downgradeOk: false,
        attempt: 0,
        wave: 0,
        notBeforeUnixMs: 0n,
        rootVersion: 0n,
        createdUnixMs: BigInt(Date.now()),
        expiresUnixMs: BigInt(Date.now() + 3_600_000),
        soak: {
          durationMs: 0,
          minRequests: 10,
          maxErrorRate: 0.05,
          maxLatencyRatio: 5,
          prepareDeadlineMs: 60_000,
          ...soak,
        },
      };
      lastOrder = encodeEnvelope(sealDesired(state, director.privateKey));
      await controller.putDesired(nodeId, lastOrder);
      return generation;
    },
    repair: async () => {
      if (lastOrder !== undefined) await controller.putDesired(nodeId, lastOrder);
    },
    startNode: () =>
      startServiceProcess('edge-inference', {
        ATOLL_EDGE_INFERENCE_LISTEN: '127.0.0.1:0',
        ATOLL_EDGE_INFERENCE_NODE_ID: nodeId,
        ATOLL_EDGE_INFERENCE_NODE_KEY: path('node.pem'),
        ATOLL_EDGE_INFERENCE_BUILD_KEYS: path('build.pub.pem'),
        ATOLL_EDGE_INFERENCE_DIRECTOR_KEYS: path('director.pub.pem'),
        ATOLL_EDGE_INFERENCE_REGISTRY: registry.address,
        ATOLL_EDGE_INFERENCE_NATS_CREDENTIALS: path('node.seed'),
        ATOLL_NATS_URL: nats.url,
        ATOLL_DATA_DIR: path('data'),
      }),
    stopRegistry: async () => {
      await registry.stop();
    },
    ask: async (running) => {
      const client = channelTo(running.address).client(GRPCInferenceServiceService);
      const answer = await client.modelInfer({
        modelName,
        modelVersion: '',
        id: '',
        parameters: {},
        inputs: [{ name: 'image', datatype: 'UINT8', shape: [1n, 16n, 16n, 3n], parameters: {}, contents: undefined }],
        outputs: [],
        rawInputContents: [picture()],
      });
      return BigInt(answer.modelVersion);
    },
    journal: async () => JSON.parse(await readFile(path(`data/nodes/${nodeId}/agent/journal.json`), 'utf8')) as never,
    stop: async () => {
      for (const channel of channels.values()) channel.close();
      await controller.close();
      await bus.close();
      await registry.stop();
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function picture(): Buffer {
  return Buffer.from(Uint8Array.from({ length: size * size * 3 }, (_, index) => (index * 31) % 256));
}

async function tinyRelease(version: bigint): Promise<{ manifest: ReleaseManifest; blobs: Buffer[] }> {
  const file = Buffer.from(tinyClassifier({ seed: Number(version), size, classes, io: 'uint8' }));
  const cache = cachePaths(process.env);
  const model = await openModel(file, { backend: 'auto', libraries: { liteRt: cache.liteRt, tfLite: cache.tfLite } });
  const output = Buffer.from(model.runSync([picture()])[0] ?? []);
  await model.close();
  const ref = (bytes: Buffer): { sha256: string; sizeBytes: bigint } => ({
    sha256: sha256(bytes),
    sizeBytes: BigInt(bytes.length),
  });
  const side = BigInt(size);
  const nowMs = Date.now();
  return {
    blobs: [file, picture(), output],
    manifest: {
      model: modelName,
      version,
      artifacts: [
        {
          target: 'cpu',
          ...ref(file),
          chunkSizeBytes,
          chunkSha256: chunkDigests(file, chunkSizeBytes),
          minRuntimeVersion: 0,
        },
      ],
      inputs: [
        { name: 'image', datatype: 'UINT8', shape: [1n, side, side, 3n], scale: Math.fround(1 / 255), zeroPoint: 0 },
      ],
      outputs: [
        { name: 'scores', datatype: 'UINT8', shape: [1n, BigInt(classes)], scale: Math.fround(1 / 256), zeroPoint: 0 },
      ],
      preprocessing: { width: size, height: size, mean: 0, std: 255 },
      labels: ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'],
      golden: [{ input: ref(picture()), output: ref(output), tolerance: 1 }],
      createdUnixMs: BigInt(nowMs),
      expiresUnixMs: BigInt(nowMs + 3_600_000),
      minVersionFloor: 0n,
      lineage: {},
    },
  };
}

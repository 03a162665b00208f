/** A registry for tests: real gRPC, a real store, releases in memory, and a line that can be spoilt. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openFileStore } from '@atoll/artifacts/file-store';
import { blobService } from '@atoll/artifacts/serve';
import type { BlobStore } from '@atoll/artifacts/store';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { RegistryServiceService } from '@atoll/proto/atoll/v1/registry';
import { type Envelope, ReleaseManifest } from '@atoll/proto/atoll/v1/release';
import { chunkDigests } from '@atoll/release/chunks';
import { generateKeyPair, type SigningKeyPair } from '@atoll/release/keys';
import { sealRelease } from '@atoll/release/manifest';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import type { ModelRef } from './decide.js';

/** What comes over the line in place of the bytes asked for; undefined = the bytes. */
export type Spoil = (sha256: string, offset: number, bytes: Uint8Array) => AsyncIterable<Uint8Array> | undefined;

/** A running registry with a build key of its own. */
export interface TestRegistry {
  readonly address: string;
  readonly build: SigningKeyPair;
  /** Publishes a release with one file; gives how a desired state names it. */
  publish(model: string, version: bigint, change?: PublishChange): Promise<ModelRef & { readonly file: Buffer }>;
  /** Spoils what is read from now on. */
  spoil(how: Spoil | undefined): void;
  /** Ranges that were asked for: digest and offset. */
  readonly reads: { readonly sha256: string; readonly offset: number }[];
  stop(): Promise<void>;
}

/** What may be unusual about a release. */
export interface PublishChange {
  readonly sizeBytes?: number;
  readonly manifest?: Partial<ReleaseManifest>;
  readonly key?: SigningKeyPair;
}

const chunkSizeBytes = 4_096;

/** Starts a registry over a folder. */
export async function startTestRegistry(folder: string): Promise<TestRegistry> {
  const build = generateKeyPair();
  const store = await openFileStore(join(folder, 'registry-blobs'));
  const releases = new Map<string, Envelope>();
  const reads: { sha256: string; offset: number }[] = [];
  let spoil: Spoil | undefined;

  const spoilable: BlobStore = {
    ...store,
    get: (digest, offset = 0, limitBytes = Number.POSITIVE_INFINITY) => {
      reads.push({ sha256: digest, offset });
      return spoiled(store, digest, offset, limitBytes, spoil);
    },
  };
  const registry = bindService(RegistryServiceService, {
    publishRelease: unused,
    listReleases: unused,
    setAlias: unused,
    getRelease: async ({ model, version }) => {
      const envelope = releases.get(`${model}.${version}`);
      if (envelope === undefined)
        throw new AtollError('NOT_FOUND', `cannot find ${model} v${version}: it was never published`);
      const manifestSha256 = sha256(envelope.payload);
      return { release: { model, version, manifestSha256, createdUnixMs: 1n, aliases: [], envelope } };
    },
  });
  const server = await startServer({
    listen: '127.0.0.1:0',
    services: [registry, blobService(spoilable)],
    log: silentLogger,
    drainMs: 100,
  });
  const put = async (bytes: Buffer) => {
    const blob = { sha256: sha256(bytes), sizeBytes: bytes.length };
    await store.put(
      blob,
      (async function* () {
        yield bytes;
      })(),
    );
    return { sha256: blob.sha256, sizeBytes: BigInt(bytes.length) };
  };

  return {
    address: server.address,
    build,
    reads,
    spoil: (how) => void (spoil = how),
    publish: async (model, version, change = {}) => {
      const file = randomBytes(change.sizeBytes ?? 3 * chunkSizeBytes + 100);
      const manifest: ReleaseManifest = {
        model,
        version,
        artifacts: [
          {
            target: 'cpu',
            ...(await put(file)),
            chunkSizeBytes,
            chunkSha256: chunkDigests(file, chunkSizeBytes),
            minRuntimeVersion: 0,
          },
        ],
        inputs: [{ name: 'in', datatype: 'UINT8', shape: [1n, 16n], scale: 1, zeroPoint: 0 }],
        outputs: [{ name: 'out', datatype: 'UINT8', shape: [1n, 6n], scale: 1, zeroPoint: 0 }],
        preprocessing: { width: 4, height: 4, mean: 0, std: 255 },
        labels: ['a', 'b'],
        golden: [{ input: await put(randomBytes(16)), output: await put(randomBytes(6)), tolerance: 1 }],
        createdUnixMs: BigInt(Date.now()),
        expiresUnixMs: BigInt(Date.now() + 3_600_000),
        minVersionFloor: 0n,
        lineage: {},
        ...change.manifest,
      };
      const envelope = sealRelease(manifest, (change.key ?? build).privateKey);
      releases.set(`${model}.${version}`, envelope);
      return { model, version, manifestSha256: sha256(envelope.payload), file };
    },
    stop: () => server.stop(),
  };
}

async function* spoiled(
  store: BlobStore,
  digest: string,
  offset: number,
  limitBytes: number,
  spoil: Spoil | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of store.get(digest, offset, limitBytes)) {
    const instead = spoil?.(digest, offset, bytes);
    if (instead === undefined) yield bytes;
    else yield* instead;
  }
}

function unused(): never {
  throw new AtollError('UNIMPLEMENTED', 'cannot do this in a test');
}

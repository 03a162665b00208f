/** BlobService over a store: each service of Atoll that takes or gives artifacts adds it to its server. */
import { type GetRequest, type GetResponse, BlobServiceService, type PutRequest } from '@atoll/proto/atoll/v1/blob';
import { AtollError } from '@atoll/base/error';
import { bindService, type BoundService } from '@atoll/rpc/handlers';
import { type PutPart, splitBlobs } from './split.js';
import type { BlobStore } from './store.js';

/** The blob service of a store. */
export function blobService(store: BlobStore): BoundService {
  return bindService(BlobServiceService, {
    findMissing: async ({ sha256 }) => {
      if (sha256.length > 10_000)
        throw new AtollError('INVALID_ARGUMENT', `cannot look up ${sha256.length} digests: 10,000 a call at most`);
      const sizes = await Promise.all(sha256.map((digest) => store.size(digest)));
      return { missingSha256: sha256.filter((_, index) => sizes[index] === undefined) };
    },
    put: async (requests) => {
      let stored = 0n;
      for await (const blob of splitBlobs(parts(requests))) {
        await store.put(blob, blob.chunks);
        stored += 1n;
      }
      return { stored };
    },
    get: (request) => stream(store, request),
  });
}

async function* parts(requests: AsyncIterable<PutRequest>): AsyncGenerator<PutPart> {
  for await (const { part } of requests) {
    if (part === undefined)
      throw new AtollError('INVALID_ARGUMENT', 'cannot read an upload: a message has neither header nor chunk');
    if (part.$case === 'chunk') yield { kind: 'chunk', bytes: part.value };
    else yield { kind: 'header', sha256: part.value.sha256, sizeBytes: Number(part.value.sizeBytes) };
  }
}

async function* stream(store: BlobStore, request: GetRequest): AsyncGenerator<GetResponse> {
  const sizeBytes = await store.size(request.sha256);
  if (sizeBytes === undefined)
    throw new AtollError('NOT_FOUND', `cannot read blob ${request.sha256}: the store does not hold it`);
  const offset = Number(request.offset);
  if (offset > sizeBytes)
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot read blob ${request.sha256} from byte ${offset}: it has ${sizeBytes}`,
    );
  const limitBytes = request.limitBytes === 0n ? Number.POSITIVE_INFINITY : Number(request.limitBytes);
  let totalBytes = BigInt(sizeBytes);
  let sent = false;
  for await (const chunk of store.get(request.sha256, offset, limitBytes)) {
    yield { chunk: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), totalBytes };
    totalBytes = 0n;
    sent = true;
  }
  if (!sent) yield { chunk: Buffer.alloc(0), totalBytes };
}

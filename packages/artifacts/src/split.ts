import { AtollError } from '@atoll/base/error';

/** A step of an upload: a header begins a blob, chunks follow until its size is reached. */
export type PutPart =
  | { readonly kind: 'header'; readonly sha256: string; readonly sizeBytes: number }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array };

/** One blob of an upload; its chunks must be read to their end before the next blob is asked for. */
export interface IncomingBlob {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Cuts one stream of parts into blobs; INVALID_ARGUMENT when chunks and headers do not alternate as announced. */
export async function* splitBlobs(parts: AsyncIterable<PutPart>): AsyncGenerator<IncomingBlob> {
  const iterator = parts[Symbol.asyncIterator]();
  for (;;) {
    const first = await iterator.next();
    if (first.done === true) return;
    if (first.value.kind !== 'header')
      throw new AtollError('INVALID_ARGUMENT', 'cannot read an upload: bytes came before a header');
    const { sha256, sizeBytes } = first.value;
    yield { sha256, sizeBytes, chunks: chunksOf(iterator, sha256, sizeBytes) };
  }
}

async function* chunksOf(parts: AsyncIterator<PutPart>, sha256: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0;) {
    const next = await parts.next();
    if (next.done === true || next.value.kind !== 'chunk') {
      throw new AtollError('INVALID_ARGUMENT', `cannot read an upload: blob ${sha256} ended ${left} bytes early`);
    }
    left -= next.value.bytes.length;
    yield next.value.bytes;
  }
}

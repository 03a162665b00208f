import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ServiceError } from '@grpc/grpc-js';
import { AtollError, isAtollError } from '@atoll/base/error';
import { createLogger, silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import { type Channel, openChannel } from './channel.js';
import { bindService, type Handlers } from './handlers.js';
import { maxShortRequestBytes } from './limits.js';
import { type RunningServer, type ServerOptions, startServer } from './server.js';

type Blobs = Handlers<typeof BlobServiceService>;
const refuse = async (): Promise<never> => {
  throw new AtollError('UNIMPLEMENTED', 'not in this test');
};

// oxlint-disable-next-line require-yield
async function* none(): AsyncGenerator<never> {
  await refuse();
}

async function serve(
  handlers: Partial<Blobs>,
  options: Partial<ServerOptions> = {},
): Promise<{ server: RunningServer; channel: Channel }> {
  const service = bindService(BlobServiceService, { findMissing: refuse, put: refuse, get: none, ...handlers });
  const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger, ...options });
  const channel = openChannel(server.address);
  after(async () => {
    channel.close();
    await server.stop();
  });
  return { server, channel };
}

test('a handler error reaches the caller with its code and its words', async () => {
  const { channel } = await serve({
    findMissing: async () => {
      throw new AtollError('ALREADY_EXISTS', 'cannot keep x: it is there');
    },
  });
  await assert.rejects(
    channel.client(BlobServiceService).findMissing({ sha256: [] }),
    (error) => isAtollError(error, 'ALREADY_EXISTS') && error.message === 'cannot keep x: it is there',
  );
});

test('an unknown error reaches the caller as INTERNAL with a fixed text and the log with its cause', async () => {
  const lines: string[] = [];
  const log = createLogger({ service: 'test', write: (line) => lines.push(line) });
  const { channel } = await serve(
    {
      findMissing: async () => {
        throw new Error('password of the database');
      },
    },
    { log },
  );
  await assert.rejects(
    channel.client(BlobServiceService).findMissing({ sha256: [] }),
    (error) => isAtollError(error, 'INTERNAL') && !error.message.includes('password'),
  );
  assert.ok(lines.join('').includes('password of the database'));
});

test('a caller that leaves aborts the handler of a stream', async () => {
  let aborted!: () => void;
  const seen = new Promise<void>((resolve) => (aborted = resolve));
  const { channel } = await serve({
    get: async function* (_request, { signal }) {
      signal.addEventListener('abort', () => aborted());
      for (;;) {
        yield { chunk: Buffer.alloc(10), totalBytes: 0n };
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  });
  let count = 0;
  for await (const _ of channel.client(BlobServiceService).get({ sha256: '', offset: 0n, limitBytes: 0n })) {
    if (++count === 3) break;
  }
  await seen;
});

test('a deadline ends a call with DEADLINE_EXCEEDED, an abort with CANCELLED', async () => {
  const { channel } = await serve({ findMissing: () => new Promise(() => undefined) });
  const client = channel.client(BlobServiceService);
  await assert.rejects(client.findMissing({ sha256: [] }, { timeoutMs: 30 }), (error) =>
    isAtollError(error, 'DEADLINE_EXCEEDED'),
  );
  await assert.rejects(client.findMissing({ sha256: [] }, { signal: AbortSignal.timeout(30) }), (error) =>
    isAtollError(error, 'CANCELLED'),
  );
});

test('startServer says in one line that an address is in use', async () => {
  const { server } = await serve({});
  await assert.rejects(serve({}, { listen: server.address }), (error) => {
    return (
      isAtollError(error, 'FAILED_PRECONDITION') &&
      error.message === `cannot listen on ${server.address}: the address is in use`
    );
  });
});

test('stop lets a call under way finish and refuses new ones', async () => {
  let finish!: () => void;
  let started!: () => void;
  const running = new Promise<void>((resolve) => (started = resolve));
  const gate = new Promise<void>((resolve) => (finish = resolve));
  const { server, channel } = await serve({
    findMissing: async () => {
      started();
      await gate;
      return { missingSha256: ['late'] };
    },
  });
  const answer = channel.client(BlobServiceService).findMissing({ sha256: [] });
  await running;
  const stopped = server.stop();
  finish();
  assert.deepEqual((await answer).missingSha256, ['late']);
  await stopped;
  const other = openChannel(server.address);
  await assert.rejects(other.client(BlobServiceService).findMissing({ sha256: [] }), (error) =>
    isAtollError(error, 'UNAVAILABLE'),
  );
  other.close();
});

test('startServer serves a Unix socket and an unknown method is UNIMPLEMENTED', async () => {
  const root = await mkdtemp(join(tmpdir(), 'atoll-rpc-'));
  after(() => rm(root, { recursive: true }));
  const { channel } = await serve(
    { findMissing: async () => ({ missingSha256: [] }) },
    { listen: `unix:${join(root, 's')}` },
  );
  assert.deepEqual(await channel.client(BlobServiceService).findMissing({ sha256: [] }), { missingSha256: [] });
  await assert.rejects(
    channel.client(GRPCInferenceServiceService).serverLive({}),
    (error) =>
      isAtollError(error, 'UNIMPLEMENTED') && /^cannot ask unix:.*: The server does not implement/.test(error.message),
  );
});

test('retryAfterMs of an error reaches the caller as a trailer and as the detail of its error', async () => {
  const { channel, server } = await serve({
    findMissing: async () => {
      throw new AtollError('RESOURCE_EXHAUSTED', 'cannot take more', { detail: { retryAfterMs: '120' } });
    },
  });
  await assert.rejects(
    channel.client(BlobServiceService).findMissing({ sha256: [] }),
    (error) =>
      isAtollError(error, 'RESOURCE_EXHAUSTED') &&
      error.detail['retryAfterMs'] === '120' &&
      (error.cause as ServiceError).metadata.get('grpc-retry-pushback-ms')[0] === '120',
  );
  assert.ok(server.address);
});

test('authorize is asked before the handler: what it throws is the answer, what it names is the identity', async () => {
  const seen: unknown[] = [];
  const { channel } = await serve(
    {
      findMissing: async (_request, { identity }) => {
        seen.push(identity);
        return { missingSha256: [] };
      },
    },
    {
      authorize: ({ path, authorization }) => {
        seen.push(path, authorization);
        if (seen.length > 2) throw new AtollError('UNAUTHENTICATED', 'cannot call: no token');
        return 'camera';
      },
    },
  );
  const client = channel.client(BlobServiceService);
  await client.findMissing({ sha256: [] });
  await assert.rejects(client.findMissing({ sha256: [] }), { code: 'UNAUTHENTICATED' });
  const path = '/atoll.v1.BlobService/FindMissing';
  assert.deepEqual(seen, [path, undefined, 'camera', path, undefined]);
});

test('a service may say which of its methods take long requests: the others take short ones, packed or not', async () => {
  const service = bindService(
    BlobServiceService,
    { findMissing: async ({ sha256 }) => ({ missingSha256: [String(sha256.length)] }), put: refuse, get: none },
    { longRequests: ['put'] },
  );
  const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger });
  const channel = openChannel(server.address);
  after(async () => {
    channel.close();
    await server.stop();
  });
  const client = channel.client(BlobServiceService);
  const ask = (bytes: number) => client.findMissing({ sha256: ['a'.repeat(bytes)] });
  assert.deepEqual(await ask(maxShortRequestBytes - 10), { missingSha256: ['1'] });
  await assert.rejects(ask(maxShortRequestBytes), { code: 'RESOURCE_EXHAUSTED', message: /larger than max/ });
});

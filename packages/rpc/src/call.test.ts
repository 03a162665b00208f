import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { after, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { createLogger, silentLogger } from '@atoll/base/log';
import { BlobServiceService, FindMissingRequest } from '@atoll/proto/atoll/v1/blob';
import { callHeaders, frame, frameTypes, openRaw } from './frames-for-tests.js';
import { bindService, type Handlers } from './handlers.js';
import { checkServing } from './check-serving.js';
import { maxMessagesBytes } from './limits.js';
import { longestPooledBytes } from './message-pool.js';
import { startServer, type ServerOptions } from './server.js';

const notHere = () => {
  throw new AtollError('UNIMPLEMENTED', 'not in this test');
};

async function serve(handlers: Partial<Handlers<typeof BlobServiceService>>, options: Partial<ServerOptions> = {}) {
  const service = bindService(BlobServiceService, { findMissing: notHere, put: notHere, get: notHere, ...handlers });
  const server = await startServer({
    listen: '127.0.0.1:0',
    services: [service],
    log: silentLogger,
    drainMs: 500,
    ...options,
  });
  const socket = await openRaw(server.address);
  after(async () => {
    socket.destroy();
    await server.stop();
  });
  return { server, socket };
}

const empty = Buffer.alloc(5);

test('a call that is reset while messages of it lie unread ends alone, at its deadline and at its failure', async () => {
  const events = new EventEmitter();
  const { server, socket } = await serve({
    put: async (requests, { signal }) => {
      await requests[Symbol.asyncIterator]().next();
      const released = once(events, 'released');
      events.emit('reading', signal);
      await released;
      return notHere();
    },
  });
  const reset = async (stream: number, timeout: Record<string, string>): Promise<AbortSignal> => {
    const reading = once(events, 'reading');
    socket.write(callHeaders(stream, BlobServiceService.put.path, timeout));
    for (let message = 0; message < 3; message++) socket.write(frame(frameTypes.data, 0, stream, empty));
    const [signal] = (await reading) as [AbortSignal];
    socket.write(frame(frameTypes.reset, 0, stream, Buffer.alloc(4)));
    return signal;
  };
  const timed = await reset(1, { 'grpc-timeout': '200m' });
  const untimed = await reset(3, {});
  if (!timed.aborted) await once(timed, 'abort');
  events.emit('released');
  if (!untimed.aborted) await once(untimed, 'abort');
  await checkServing(server.address, 5_000);
});

/** A call of the unary method whose message never ends, and what it is answered. */
function unended(session: ClientHttp2Session, more: Record<string, string> = {}) {
  const { path } = BlobServiceService.findMissing;
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', ...more });
  stream.on('error', () => undefined).resume();
  const status = once(stream, 'response').then(([headers]) => String((headers as IncomingHttpHeaders)['grpc-status']));
  return { stream, status };
}

test('a caller who may not call is told so before its message has come', { timeout: 20_000 }, async () => {
  const authorize = () => {
    throw new AtollError('UNAUTHENTICATED', 'cannot call: not in this test');
  };
  const { server } = await serve({}, { authorize });
  const session = connect(`http://${server.address}`);
  assert.equal(await unended(session).status, '16');
  session.destroy();
});

/**
 * Begins messages that never end on a new connection, each of which the server gives its whole memory at its first byte, and
 * tells how many of them were refused. What the client writes is small and gone at once: Node 20's client reads freed memory
 * (valgrind, nghttp2 1.61) when a call is answered of which it still has writes pending.
 */
async function beginMany(address: string, calls: number) {
  const session = connect(`http://${address}`);
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  const begun = Buffer.alloc(6);
  begun.writeUInt32BE(longestPooledBytes, 1);
  const codes: unknown[] = [];
  const writes = Array.from({ length: calls }, () => {
    const { path } = BlobServiceService.findMissing;
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined).resume();
    stream.once('response', (headers) => codes.push(headers['grpc-status']));
    return new Promise((resolve) => stream.write(begun, resolve));
  });
  await Promise.all(writes);
  // Answered after all that came before it on its connection.
  const whole = unended(session);
  whole.stream.end(empty);
  const [trailers] = (await once(whole.stream, 'trailers')) as [IncomingHttpHeaders];
  assert.equal(trailers['grpc-status'], '0');
  assert.ok(codes.every((code) => code === '8'));
  return { refused: codes.length, session };
}

test(
  'messages that never end take a bounded part of the memory of a server, and give it back',
  { timeout: 30_000 },
  async () => {
    const { server } = await serve({ findMissing: async () => ({ missingSha256: [] }) });
    const { address } = server;
    const taken = longestPooledBytes + 5; // With the prefix.
    const ofConnection = Math.floor(maxMessagesBytes.connection / taken);
    const ofServer = Math.floor(maxMessagesBytes.server / taken);
    const first = await beginMany(address, ofConnection + 3);
    assert.equal(first.refused, 3);
    const second = await beginMany(address, ofConnection + 2);
    assert.equal(second.refused, 2);
    const third = await beginMany(address, ofServer - 2 * ofConnection + 4);
    assert.equal(third.refused, 4);
    for (const { session } of [first, second, third]) session.destroy();
    await eventually(async () => {
      const { refused, session } = await beginMany(address, ofConnection);
      session.destroy();
      assert.equal(refused, 0);
    });
  },
);

test('messages at work count as they are unpacked, and what they take is given back', { timeout: 20_000 }, async () => {
  const held = new EventEmitter();
  let atWork = 0;
  const { server } = await serve(
    {
      findMissing: async () => {
        atWork++;
        await once(held, 'release');
        return { missingSha256: [] };
      },
    },
    { maxMessagesBytes: { connection: 2 ** 20, server: 2 ** 21 } },
  );
  const message = FindMissingRequest.encode({ sha256: ['a'.repeat(300_000)] }).finish();
  const session = connect(`http://${server.address}`);
  after(() => session.close());
  const bodies = [
    { encoding: 'gzip', flag: 1, bytes: gzipSync(message) },
    { encoding: 'deflate', flag: 1, bytes: deflateSync(message) },
    { encoding: 'identity', flag: 0, bytes: message },
  ];
  for (const { encoding, flag, bytes } of bodies) {
    atWork = 0;
    const prefix = Buffer.from([flag, 0, 0, 0, 0]);
    prefix.writeUInt32BE(bytes.length, 1);
    const codes: (string | undefined)[] = [];
    const note = (headers: IncomingHttpHeaders): void => {
      if (headers['grpc-status'] !== undefined) codes.push(String(headers['grpc-status']));
    };
    const ended = [];
    for (let calls = 1; calls <= 5; calls++) {
      const { stream } = unended(session, { 'grpc-encoding': encoding });
      ended.push(once(stream, 'close'));
      stream
        .on('response', note)
        .on('trailers', note)
        .end(Buffer.concat([prefix, bytes]));
      await eventually(() => assert.equal(atWork + codes.length, calls));
    }
    assert.deepEqual([atWork, codes], [3, ['8', '8']], encoding);
    held.emit('release');
    await Promise.all(ended);
    assert.deepEqual(codes.slice(2), ['0', '0', '0']);
  }
});

test('what strangers send that is no gRPC is no failure of this server in its log', { timeout: 20_000 }, async () => {
  const lines: string[] = [];
  const log = createLogger({ service: 'test', write: (line) => lines.push(line) });
  const { server } = await serve({}, { log });
  const session = connect(`http://${server.address}`);
  assert.equal(await unended(session, { 'grpc-timeout': 'soon' }).status, '13');
  const cut = unended(session);
  cut.stream.end(Buffer.from([0, 0]));
  assert.equal(await cut.status, '13');
  const broken = unended(session);
  broken.stream.end(Buffer.from([0, 0, 0, 0, 1, 0xff]));
  assert.equal(await broken.status, '13');
  const packed = unended(session);
  packed.stream.end(Buffer.from([1, 0, 0, 0, 1, 7]));
  assert.equal(await packed.status, '13');
  const notGzip = unended(session, { 'grpc-encoding': 'gzip' });
  notGzip.stream.end(Buffer.from([1, 0, 0, 0, 1, 7]));
  assert.equal(await notGzip.status, '13');
  assert.deepEqual(lines, []);
  session.destroy();
});

test('an answer that lies untaken is let go at the deadline of its caller', { timeout: 20_000 }, async () => {
  const { server } = await serve({ findMissing: async () => ({ missingSha256: ['x'.repeat(1_000_000)] }) });
  const session = connect(`http://${server.address}`, { settings: { initialWindowSize: 0 } });
  const { stream, status } = unended(session, { 'grpc-timeout': '200m' });
  stream.end(empty);
  status.catch(() => undefined);
  await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
  session.destroy();
});

test('an answer that its caller does not take is given up without a deadline too, one message or many', async () => {
  const big = Buffer.alloc(256 * 1024);
  let streamed = 0;
  const { server } = await serve(
    {
      findMissing: async () => ({ missingSha256: ['a'.repeat(1024)] }),
      async *get() {
        for (;;) {
          streamed++;
          yield { chunk: big, totalBytes: 0n };
        }
      },
    },
    { untakenMs: 100 },
  );
  const session = connect(`http://${server.address}`, { settings: { initialWindowSize: 0 } });
  after(() => session.close());
  for (const { path } of [BlobServiceService.findMissing, BlobServiceService.get]) {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined).end(empty);
    const closed = once(stream, 'close', { signal: AbortSignal.timeout(5_000) });
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL, path);
  }
  assert.ok(streamed < 10, `${streamed} messages were made for a caller that takes none`);
  await checkServing(server.address, 5_000);
});

test('a stream of requests on which neither side sends is ended with its reason, one on which one does is not', async () => {
  const events = new EventEmitter();
  let aborted = false;
  const { server } = await serve(
    {
      put: async (requests, { signal }) => {
        signal.addEventListener('abort', () => (aborted = true), { once: true });
        let messages = 0;
        for await (const _ of requests) events.emit('message', ++messages);
        return notHere();
      },
      async *get(_, { signal }) {
        events.emit('watching');
        await once(signal, 'abort');
        yield* [];
      },
    },
    { silentMs: 300 },
  );
  const session = connect(`http://${server.address}`);
  after(() => session.close());
  const begin = (path: string) =>
    session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const watching = once(events, 'watching');
  const watch = begin(BlobServiceService.get.path);
  watch.on('error', () => undefined).resume();
  watch.end(empty);
  await watching;
  const stream = begin(BlobServiceService.put.path);
  stream.on('error', () => undefined).resume();
  const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
  // They take longer than two rounds.
  for (let sent = 1; sent <= 14; sent++) {
    const came = once(events, 'message');
    setTimeout(() => stream.write(empty), 50);
    assert.equal((await came)[0], sent);
  }
  const [headers] = await answered;
  assert.equal(headers['grpc-status'], '4');
  assert.match(String(headers['grpc-message']), /^cannot go on: neither side of the stream has sent/);
  assert.ok(aborted);
  assert.ok(!watch.closed, 'a stream of answers alone may be silent');
  watch.close(constants.NGHTTP2_CANCEL);
  await checkServing(server.address, 5_000);
});

test('a stream both ways whose caller never ends its side: its status comes, and what is not taken is let go', async () => {
  const { server } = await serve({}, { untakenMs: 100 });
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', 'grpc-timeout': '300m' };
  const list = Buffer.from([0, 0, 0, 0, 3, 0x3a, 1, 0x2a]);
  const open = connect(`http://${server.address}`);
  const shut = connect(`http://${server.address}`, { settings: { initialWindowSize: 0 } });
  after(() => {
    open.close();
    shut.close();
  });
  const signal = AbortSignal.timeout(10_000);
  const [taken, untaken] = [open, shut].map((session) => {
    const stream = session.request(headers);
    stream.on('error', () => undefined).resume();
    stream.write(list);
    return { stream, closed: once(stream, 'close', { signal }) };
  });
  assert.ok(taken !== undefined && untaken !== undefined);
  const [trailers] = (await once(taken.stream, 'trailers', { signal })) as [IncomingHttpHeaders];
  assert.equal(trailers['grpc-status'], '4');
  await taken.closed;
  await untaken.closed;
  assert.equal(untaken.stream.rstCode, constants.NGHTTP2_CANCEL);
});

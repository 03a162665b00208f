import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { HealthService } from '@atoll/proto/grpc/health/v1/health';
import { openChannel } from './channel.js';
import type { ConnectionLimits } from './connections.js';
import { callHeaders, frame, frameTypes } from './frames-for-tests.js';
import { bindService } from './handlers.js';
import { checkServing } from './check-serving.js';
import { startServer } from './server.js';

/** The message of a health answer: SERVING. */
const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame, and HEADERS of stream 1 without their end. */
const half = Buffer.from('000000040000000000' + '000001010000000001' + '82', 'hex');

async function serve(connections: Partial<ConnectionLimits>) {
  const service = bindService(BlobServiceService, {
    findMissing: async () => ({ missingSha256: [] }),
    put: () => Promise.reject(new Error('not in this test')),
    get: () => {
      throw new Error('not in this test');
    },
  });
  const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger, connections });
  const channel = openChannel(server.address);
  const sockets: Socket[] = [];
  after(async () => {
    for (const socket of sockets) socket.destroy();
    channel.close();
    await server.stop();
  });
  const port = Number(server.address.split(':')[1]);
  const open = async (bytes: string | Buffer): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    await once(socket, 'connect');
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  };
  return { server, ask: () => channel.client(BlobServiceService).findMissing({ sha256: [] }), open };
}

test('connections that only hold a server are ended, those that make calls are not', { timeout: 30_000 }, async () => {
  const { ask, open } = await serve({ firstCallMs: 300 });
  await ask();
  const held = await Promise.all(['', 'PRI * HT', preface, Buffer.concat([Buffer.from(preface), half])].map(open));
  await Promise.all(held.map((socket) => once(socket, 'close')));
  await ask();
});

test('a full server gives the place of a connection without a call to a new one', { timeout: 30_000 }, async () => {
  const { server, ask, open } = await serve({ maxConnections: 8, firstCallMs: 60_000 });
  await ask();
  const held = await Promise.all(Array.from({ length: 40 }, () => open(preface)));
  await eventually(() => assert.equal(held.filter((socket) => !socket.destroyed).length, 40 - 33));
  await checkServing(server.address, 5_000);
  await ask();
});

test(
  'a full server cuts no call that is under way: who is idle makes room, else the newcomer goes',
  { timeout: 30_000 },
  async () => {
    const { server, open } = await serve({ maxConnections: 2, firstCallMs: 60_000 });
    const call = async (stream: number, method: string): Promise<Socket> => {
      const socket = await open(Buffer.concat([Buffer.from(preface), frame(frameTypes.settings, 0, 0)]));
      const answered = new Promise<void>((resolve) => {
        socket.on('data', (chunk: Buffer) => {
          if (chunk.includes(serving)) resolve();
        });
      });
      socket.write(callHeaders(stream, method));
      socket.write(frame(frameTypes.data, 1, stream, Buffer.alloc(5)));
      await answered;
      return socket;
    };
    const watching = await call(1, HealthService.watch.path);
    const idle = await call(1, HealthService.check.path);
    const secondWatch = await call(1, HealthService.watch.path);
    await eventually(() => assert.ok(idle.destroyed));
    const refused = await open(preface);
    await eventually(() => assert.ok(refused.destroyed));
    assert.ok(!watching.destroyed && !secondWatch.destroyed);
    watching.destroy();
    await eventually(() => checkServing(server.address, 5_000));
  },
);

test('connections over a Unix socket are told apart, each is the same in all its calls', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-listener-'));
  const peers: string[] = [];
  const service = bindService(BlobServiceService, {
    findMissing: async (_, { peer }) => {
      peers.push(peer);
      return { missingSha256: [] };
    },
    put: () => Promise.reject(new Error('not in this test')),
    get: () => {
      throw new Error('not in this test');
    },
  });
  const path = join(folder, 's');
  const server = await startServer({ listen: `unix:${path}`, services: [service], log: silentLogger });
  // Two channels of gRPC's client would share one connection.
  const sessions = [1, 2].map(() => connectHttp2('http://test', { createConnection: () => connect(path) }));
  after(async () => {
    for (const session of sessions) session.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });
  for (const session of [...sessions, ...sessions]) {
    const call = session.request({
      ':method': 'POST',
      ':path': BlobServiceService.findMissing.path,
      'content-type': 'application/grpc',
    });
    call.resume().end(Buffer.alloc(5));
    await once(call, 'close');
  }
  const [first, second, ...again] = peers;
  assert.notEqual(first, second);
  assert.deepEqual(again, [first, second]);
});

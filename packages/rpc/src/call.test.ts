import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, test } from 'node:test';
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { callHeaders, frame, frameTypes, openRaw } from './frames-for-tests.js';
import { bindService, type Handlers } from './handlers.js';
import { checkServing } from './health.js';
import { startServer, type ServerOptions } from './server.js';

const notHere = () => {
  throw new AtollError('UNIMPLEMENTED', 'not in this test');
};

async function serve(handlers: Partial<Handlers<typeof BlobServiceService>>, options: Partial<ServerOptions> = {}) {
  const service = bindService(BlobServiceService, { findMissing: notHere, put: notHere, get: notHere, ...handlers });
  const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger, ...options });
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

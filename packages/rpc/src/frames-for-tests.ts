/** Frames of HTTP/2 as a stranger may write them, in any order (RFC 9113, RFC 7541). */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** The types of frames. */
export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4 } as const;

/** One frame; flags: 1 ends the stream, 4 ends the headers. */
export function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The headers of a gRPC call. */
export function callHeaders(stream: number, path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'test',
    'content-type': 'application/grpc',
    ...more,
  };
  const literals = Object.entries(headers).map(([name, value]) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]),
  );
  return frame(frameTypes.headers, 4, stream, Buffer.concat(literals));
}

/** A connection on which a client has said hello. */
export async function openRaw(address: string): Promise<Socket> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(frameTypes.settings, 0, 0));
  return socket;
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { toAtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { inferOnce, quantile, type ServingNode, startServingNode, tinyModel } from './serving-node.js';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame, then HEADERS of stream 1 that do not end. */
const openHeaders = Buffer.from('000000040000000000' + '000001010000000001' + '82', 'hex');
/** Bytes that a half-open connection begins with, and one that it goes on with again and again. */
const halves: readonly (readonly [where: 'grpc' | 'http', begin: Buffer, more: string])[] = [
  ['grpc', Buffer.from('PRI * '), ''],
  ['grpc', Buffer.from(preface), ''],
  ['grpc', Buffer.concat([Buffer.from(preface), openHeaders]), ''],
  ['http', Buffer.from('POST /v2/models/tiny/infer HTTP/1.1\r\nx: '), 'x'],
  ['http', Buffer.from('POST /v2/models/tiny/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n'), ' '],
];

describe('a node that strangers hold on to', { timeout: 120_000 }, () => {
  let node: ServingNode;
  before(async () => {
    node = await startServingNode();
  });
  after(() => node.stop());

  /** Latencies of requests one after the other, half of them on new connections. */
  const healthy = async (requests: number): Promise<number[]> => {
    const kept = node.connect();
    const latenciesMs: number[] = [];
    for (let i = 0; i < requests; i++) {
      const began = performance.now();
      if (i % 2 === 0) await inferOnce(kept);
      else assert.equal((await fetch(`${node.http}/v2/models/${tinyModel}`)).status, 200);
      if (i % 10 === 0) await inferOnce(node.connect());
      latenciesMs.push(performance.now() - began);
    }
    return latenciesMs;
  };

  test('hundreds of half-open connections that trickle do not disturb a client', async (t) => {
    const alone = await healthy(100);
    const ports = { grpc: node.process.address, http: node.http.slice('http://'.length) };
    const sockets: { readonly socket: Socket; readonly more: string }[] = [];
    for (let i = 0; i < 750; i++) {
      const [where, begin, more] = halves[i % halves.length] ?? assert.fail();
      const socket = connect(Number(ports[where].split(':')[1]), '127.0.0.1');
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      socket.write(begin);
      sockets.push({ socket, more });
    }
    const trickle = setInterval(() => {
      for (const { socket, more } of sockets) if (more !== '' && !socket.destroyed) socket.write(more);
    }, 200);
    try {
      const among = await healthy(100);
      const words = (samples: readonly number[]): string =>
        `p50 ${quantile(samples, 0.5).toFixed(1)} ms, p99 ${quantile(samples, 0.99).toFixed(1)} ms`;
      const open = sockets.filter(({ socket }) => !socket.destroyed).length;
      t.diagnostic(`alone ${words(alone)}; among ${open} half-open connections ${words(among)}`);
    } finally {
      clearInterval(trickle);
      for (const { socket } of sockets) socket.destroy();
    }
  });

  test('more connections than it takes: a new client is served', async () => {
    const sockets: Socket[] = [];
    try {
      for (let i = 0; i < 1_100; i++) {
        const socket = connect(Number(node.process.address.split(':')[1]), '127.0.0.1');
        socket.on('error', () => undefined).resume();
        await once(socket, 'connect');
        sockets.push(socket);
      }
      await inferOnce(node.connect());
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test('10,000 requests with deadlines of 1 ms end as DEADLINE_EXCEEDED or answered, and leave nothing behind', async (t) => {
    const channels = Array.from({ length: 8 }, () => node.connect());
    await Promise.all(channels.map((channel) => inferOnce(channel)));
    const before = await node.memoryBytes();
    const outcomes = new Map<string, number>();
    const batch = channels.map(async (channel) => {
      for (let i = 0; i < 25; i++) {
        const requests = Array.from({ length: 50 }, () =>
          inferOnce(channel, 1).then(
            () => 'OK',
            (error: unknown) => toAtollError(error).code,
          ),
        );
        for (const outcome of await Promise.all(requests)) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        // Over 1,000 resets that lie unread on one connection end it, whoever serves: a node that gets no processor is waited for.
        await inferOnce(channel);
      }
    });
    await Promise.all(batch);
    const grown = (await node.memoryBytes()) - before;
    t.diagnostic(`${JSON.stringify([...outcomes])}; the front grew by ${(grown / 2 ** 20).toFixed(1)} MiB`);
    assert.deepEqual(
      [...outcomes.keys()].filter((code) => code !== 'OK' && code !== 'DEADLINE_EXCEEDED'),
      [],
    );
    await eventually(async () =>
      assert.equal(await node.metric(`atoll_inference_pending_requests{model="${tinyModel}"}`), 0),
    );
    assert.ok(grown < 200 * 2 ** 20, `the front grew by ${grown} bytes`);
    await healthy(10);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { textAnswer } from './answer.js';
import type { Handler, Handlers } from './handlers.js';
import type { HttpLimits, HttpOptions, HttpSide } from './http-server.js';
import { defaultHttpLimits, startHttp } from './http-server.js';

const maxBodyBytes = 1_000;
const sides: HttpSide[] = [];

/** A server whose every address that is posted to is answered by `handler`, and every other with "ok". */
async function serve(
  handler: Handler,
  { limits = {}, ...more }: Partial<Omit<HttpOptions, 'limits'>> & { limits?: Partial<HttpLimits> } = {},
): Promise<HttpSide> {
  const ok: Handler = async () => textAnswer(200, 'ok', 'text/plain');
  const handlers = new Proxy({} as Handlers, {
    get: (_, kind) => (kind === 'infer' || kind === 'load' ? handler : ok),
  });
  const side = await startHttp({
    listen: '127.0.0.1:0',
    handlers,
    limits: { ...defaultHttpLimits(maxBodyBytes), ...limits },
    log: silentLogger,
    drainMs: 5_000,
    ...more,
  });
  sides.push(side);
  return side;
}

const echo: Handler = async ({ body }) => ({ status: 200, headers: {}, body: [await body()] });

async function open(side: HttpSide): Promise<Socket> {
  const [host = '', port = ''] = side.address.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes back until the other side closes. */
async function closed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await once(socket, 'close');
  return text;
}

const post = async (side: HttpSide, body: string, headers: Record<string, string> = {}) =>
  fetch(`http://${side.address}/v2/models/m/infer`, { method: 'POST', body, headers });

const alive = async (side: HttpSide): Promise<void> =>
  assert.equal((await fetch(`http://${side.address}/healthz`)).status, 200);

describe('startHttp()', { timeout: 60_000 }, () => {
  after(() => Promise.all(sides.map((side) => side.stop())));

  test('headers that do not come in time end the connection, whether nothing comes or a byte now and then', async () => {
    const side = await serve(echo, { limits: { headersTimeoutMs: 150, requestTimeoutMs: 300 } });
    const silent = closed(await open(side));
    const slow = await open(side);
    const answer = closed(slow);
    const drip = setInterval(() => slow.write('X'), 20);
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nX-A: ');
    await Promise.all([silent, answer]);
    clearInterval(drip);
    assert.match(await answer, /^HTTP\/1\.1 408 /);
    await alive(side);
  });

  test('a body that does not come in time ends the connection', async () => {
    const side = await serve(echo, { limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const socket = await open(side);
    const answer = closed(socket);
    socket.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc');
    assert.match(await answer, /^HTTP\/1\.1 408 /);
    await alive(side);
  });

  test('a declared length above the limit is answered before the body comes, a sender that asks first is told so', async () => {
    const side = await serve(echo);
    const socket = await open(side);
    socket.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    assert.match(first.toString(), /^HTTP\/1\.1 413 /);
    socket.destroy();
    const asking = await open(side);
    asking.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n');
    assert.match(((await once(asking, 'data')) as [Buffer])[0].toString(), /^HTTP\/1\.1 413 /);
    asking.destroy();
    const fitting = await open(side);
    fitting.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    assert.match(((await once(fitting, 'data')) as [Buffer])[0].toString(), /^HTTP\/1\.1 100 /);
    fitting.write('hi');
    assert.match(((await once(fitting, 'data')) as [Buffer])[0].toString(), /^HTTP\/1\.1 200 [^]*hi$/);
    fitting.destroy();
  });

  test('a body that comes after the time of its caller is over takes no room for ever', async () => {
    const side = await serve(echo, { limits: { maxBodiesBytes: maxBodyBytes } });
    const head = 'POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\nAtoll-Timeout-Ms: 20\r\n\r\n';
    const socket = await open(side);
    socket.write(head + 'x'.repeat(800));
    assert.match(((await once(socket, 'data')) as [Buffer])[0].toString(), /^HTTP\/1\.1 504 /);
    socket.write('x'.repeat(100));
    await eventually(async () => assert.equal((await post(side, 'x'.repeat(900))).status, 200));
    socket.destroy();
  });

  test('a body without a length is counted while it comes, and its sender cannot go on for ever', async () => {
    const side = await serve(echo);
    const socket = await open(side);
    const answer = closed(socket);
    socket.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `200\r\n${'x'.repeat(512)}\r\n`;
    const flood = setInterval(() => socket.write(chunk), 5);
    assert.match(await answer, /^HTTP\/1\.1 413 /);
    clearInterval(flood);
    await alive(side);
  });

  test('bodies of all requests together have a limit, and their room is free again once they are answered', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let inside = 0;
    const side = await serve(
      async ({ body }) => {
        const bytes = await body();
        inside++;
        await held;
        return { status: 200, headers: {}, body: [bytes] };
      },
      { limits: { maxBodiesBytes: 1_500 } },
    );
    const first = post(side, 'x'.repeat(1_000));
    await eventually(() => assert.equal(inside, 1));
    const second = await post(side, 'y'.repeat(1_000));
    assert.deepEqual([second.status, second.headers.get('retry-after')], [429, '1']);
    release();
    assert.equal((await first).status, 200);
    assert.equal((await post(side, 'z'.repeat(1_000))).status, 200);
  });

  test('an answer that nobody takes is given up', async () => {
    let gone: () => void = () => undefined;
    const given = new Promise<void>((resolve) => (gone = resolve));
    const side = await serve(
      async ({ request }) => {
        request.socket.once('close', gone);
        return { status: 200, headers: {}, body: [Buffer.alloc(64 * 1024 * 1024)] };
      },
      { limits: { stalledMs: 100 } },
    );
    const socket = await open(side);
    socket.pause();
    socket.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await given;
    socket.destroy();
    await alive(side);
  });

  test('too many connections: silent ones give way, then idle ones, and busy ones stay', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let inside = 0;
    const side = await serve(
      async () => {
        inside++;
        await held;
        return textAnswer(200, 'done', 'text/plain');
      },
      { limits: { maxConnections: 2 } },
    );
    const busy = await open(side);
    busy.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    const answer = closed(busy);
    await eventually(() => assert.equal(inside, 1));
    const silent = closed(await open(side));
    const idle = await open(side);
    await silent;
    idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(String((await once(idle, 'data'))[0]), /^HTTP\/1\.1 200 /);
    const turnedAway = closed(await open(side));
    await Promise.all([turnedAway, closed(idle)]);
    await alive(side);
    release();
    assert.match(await answer, /^HTTP\/1\.1 200 [^]*done$/);
  });

  test('what is no HTTP, and a caller that goes away at any moment, changes nothing for the others', async () => {
    let aborted = 0;
    const side = await serve(async ({ body, signal }) => {
      await body();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      aborted++;
      throw new AtollError('CANCELLED', 'gone');
    });
    const rubbish = [
      'no http at all\r\n\r\n',
      '\0\0\0\0',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
      'POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      'POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    ];
    for (const text of rubbish) {
      const socket = await open(side);
      const answer = closed(socket);
      socket.write(text, 'latin1');
      socket.end();
      assert.match(await answer, /^(HTTP\/1\.1 4\d\d |$)/, text.slice(0, 40));
    }
    const leaving = await open(side);
    leaving.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi');
    const within = await open(side);
    within.write('POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\nhi');
    await alive(side);
    leaving.destroy();
    within.destroy();
    await eventually(() => assert.equal(aborted, 1));
    await alive(side);
  });

  test('a handler that fails inside is 500 with a fixed text', async () => {
    const side = await serve(() => Promise.reject(new TypeError('a secret')));
    const response = await post(side, '');
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /secret/);
  });

  test('who is let in is asked for models and control, and not for health', async () => {
    const seen: string[] = [];
    const side = await serve(
      async ({ caller }) =>
        textAnswer(
          200,
          [caller().client, caller().flow, caller().traceparent, caller().tracestate].join(' '),
          'text/plain',
        ),
      {
        authorize: ({ headers }, access) => {
          seen.push(access);
          if (headers.authorization === undefined)
            throw new AtollError('UNAUTHENTICATED', 'cannot let you in: no token');
          return { client: 'robot' };
        },
      },
    );
    await alive(side);
    assert.equal((await fetch(`http://${side.address}/v2/models/m/ready`)).status, 200);
    const stranger = await post(side, '');
    assert.deepEqual([stranger.status, stranger.headers.get('www-authenticate')], [401, 'Bearer']);
    const headers = { authorization: 'Bearer t', 'atoll-client': 'arm', traceparent: '00-1-2-01', tracestate: 'v=1' };
    assert.equal(await (await post(side, '', headers)).text(), 'robot arm 00-1-2-01 v=1');
    await fetch(`http://${side.address}/v2/repository/models/m/load`, { method: 'POST', headers });
    assert.deepEqual(seen, ['use', 'use', 'control']);
    const page = { ...headers, origin: 'http://elsewhere.example' };
    const load = { method: 'POST', headers: page };
    assert.equal((await fetch(`http://${side.address}/v2/repository/models/m/load`, load)).status, 403);
    assert.equal((await post(side, '', page)).status, 200);
  });

  test('a connection serves one request after the other', async () => {
    const side = await serve(echo);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const [host = '', port = ''] = side.address.split(':');
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 3; i++) {
      const sent = httpRequest({ host, port, agent, method: 'POST', path: '/v2/models/m/infer' });
      sent.end(`body ${i}`);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      ports.add(response.socket.localPort);
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      assert.equal(Buffer.concat(chunks).toString(), `body ${i}`);
    }
    assert.equal(ports.size, 1);
    agent.destroy();
  });

  test('stop() lets a request finish, takes no new connection and waits for no idle one', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let inside = 0;
    const side = await serve(async ({ body }) => {
      await body();
      inside++;
      await held;
      return textAnswer(200, 'done', 'text/plain');
    });
    const idle = await open(side);
    const answer = post(side, 'x');
    await eventually(() => assert.equal(inside, 1));
    const stopped = side.stop();
    await assert.rejects(alive(side));
    release();
    const response = await answer;
    assert.deepEqual([await response.text(), response.headers.get('connection')], ['done', 'close']);
    await stopped;
    idle.destroy();
  });

  test('an address in use is one line', async () => {
    const side = await serve(echo);
    await assert.rejects(serve(echo, { listen: side.address }), {
      code: 'FAILED_PRECONDITION',
      message: `cannot listen on ${side.address}: the address is in use`,
    });
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { connect, PermissionViolationError } from '@nats-io/transport-node';
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { silentLogger } from '@atoll/base/log';
import { type Bus, connectBus } from './connect.js';
import { type ControllerBus, openControllerBus } from './controller-bus.js';
import { type Credentials, credentialsOf } from './credentials.js';
import {
  desiredPushSubject,
  desiredReadSubject,
  desiredStoreSubject,
  heartbeatSubject,
  inboxPrefix,
  maxPayloadBytes,
  statusSubject,
} from './names.js';
import { encodeUserSeed } from './nkey.js';
import { openNodeBus } from './node-bus.js';
import { findNatsServer, natsServerMissing, startTestServer, type TestServer } from './test-server.js';

const program = await findNatsServer(process.env);

describe(
  'bus over a real nats-server',
  { skip: program === undefined ? natsServerMissing : false, timeout: 60_000 },
  () => {
    const login = (): Credentials => credentialsOf(encodeUserSeed(randomBytes(32)));
    const keys = { controller: login(), a: login(), b: login() };
    const signal = new AbortController().signal;
    const ends: (() => unknown)[] = [];
    let server: TestServer;
    let controller: ControllerBus;
    const reports: string[] = [];

    const open = (credentials: Credentials, prefix?: string): Promise<Bus> =>
      connectBus({
        servers: [server.url],
        credentials,
        name: 'test',
        ...(prefix === undefined ? {} : { inboxPrefix: prefix }),
        log: silentLogger,
        signal,
      });
    const openNode = async (id: 'a' | 'b'): Promise<Bus> => {
      const bus = await open(keys[id], inboxPrefix(id));
      ends.push(() => bus.close());
      return bus;
    };
    const text = (bytes: Uint8Array | undefined): string | undefined =>
      bytes === undefined ? undefined : Buffer.from(bytes).toString();

    before(async () => {
      server = await startTestServer(program ?? '', {
        controllerPublicNkey: keys.controller.publicNkey,
        nodes: [
          { id: 'a', publicNkey: keys.a.publicNkey },
          { id: 'b', publicNkey: keys.b.publicNkey },
        ],
      });
      const bus = await open(keys.controller);
      controller = await openControllerBus(bus);
      controller.onStatus((id, bytes) => void reports.push(`${id}=${Buffer.from(bytes).toString()}`));
      ends.push(async () => {
        await controller.close();
        await bus.close();
      });
    });
    after(async () => {
      for (const end of ends.toReversed()) await end();
      await server.stop();
    });

    test('putDesired: a push reaches the node within a second, and no other node', async () => {
      const heard: Record<string, string[]> = { a: [], b: [] };
      for (const id of ['a', 'b'] as const) {
        const node = openNodeBus(await openNode(id), id);
        ends.push(() => node.close());
        node.onDesired((bytes) => heard[id]?.push(Buffer.from(bytes).toString()));
        await node.readDesired();
      }
      await controller.putDesired('a', Buffer.from('one'));
      await eventually(() => assert.deepEqual(heard['a'], ['one']), 1_000);
      assert.deepEqual(heard['b'], []);
      assert.equal(text(await controller.getDesired('a')), 'one');
      assert.equal(await controller.getDesired('b'), undefined);
    });

    test('readDesired: the own key or undefined; a deleted key is none', async () => {
      const node = openNodeBus(await openNode('b'), 'b');
      ends.push(() => node.close());
      assert.equal(await node.readDesired(), undefined);
      await controller.putDesired('b', Buffer.from('for b'));
      assert.equal(text(await node.readDesired()), 'for b');
    });

    test("a node's permissions: another node's key can be neither read, nor heard, nor written, nor its status forged", async () => {
      await controller.putDesired('b', Buffer.from('secret'));
      const { connection } = await openNode('a');
      const violations: string[] = [];
      void (async () => {
        for await (const status of connection.status()) {
          if (status.type === 'error' && status.error instanceof PermissionViolationError) {
            violations.push(`${status.error.operation} ${status.error.subject}`);
          }
        }
      })();
      await assert.rejects(connection.request(desiredReadSubject('b'), undefined, { timeout: 500 }));
      const refused = [desiredStoreSubject('b'), desiredStoreSubject('a'), statusSubject('b'), heartbeatSubject('b')];
      for (const subject of refused) connection.publish(subject, 'forged');
      const heard = [desiredPushSubject('b'), '>', `${inboxPrefix('b')}.>`, 'fleet.>'];
      for (const subject of heard) connection.subscribe(subject, { callback: () => undefined });
      for (const subject of ['$JS.API.INFO', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.PURGE.KV_fleet_desired']) {
        refused.push(subject);
        connection.publish(subject, '');
      }
      await eventually(() => {
        for (const subject of refused) assert.ok(violations.includes(`publish ${subject}`), subject);
        for (const subject of heard) assert.ok(violations.includes(`subscription ${subject}`), subject);
      });
      assert.equal(text(await controller.getDesired('b')), 'secret');
    });

    test("a forged reply subject: neither another node's desired state nor its status is overwritten", async () => {
      await controller.putDesired('b', Buffer.from('kept'));
      const b = openNodeBus(await openNode('b'), 'b');
      ends.push(() => b.close());
      await b.publishStatus(Buffer.from('b itself'));
      const { connection } = await openNode('a');
      for (const reply of [
        desiredStoreSubject('b'),
        desiredPushSubject('b'),
        statusSubject('b'),
        heartbeatSubject('b'),
      ]) {
        connection.publish(statusSubject('a'), 'attack', { reply });
        connection.publish(desiredReadSubject('a'), '', { reply });
      }
      const a = openNodeBus(await openNode('a'), 'a');
      ends.push(() => a.close());
      await connection.flush();
      await a.publishStatus(Buffer.from('after'));
      await eventually(() => assert.ok(reports.includes('a=after')));
      assert.equal(text(await controller.getDesired('b')), 'kept');
      assert.deepEqual(
        reports.filter((report) => report.startsWith('b=')),
        ['b=b itself'],
      );
    });

    test('onStatus: each node by its own name, again after reopening; onHeartbeat hears the node', async () => {
      const a = openNodeBus(await openNode('a'), 'a');
      ends.push(() => a.close());
      await a.publishStatus(Buffer.from('old'));
      await a.publishStatus(Buffer.from('newest'));
      const bus = await open(keys.controller);
      const second = await openControllerBus(bus);
      const heard: string[] = [];
      const beats: string[] = [];
      second.onStatus((id, bytes) => void heard.push(`${id}=${Buffer.from(bytes).toString()}`));
      second.onHeartbeat((id) => void beats.push(id));
      await bus.connection.flush();
      await eventually(() => assert.ok(heard.includes('a=newest')));
      assert.ok(!heard.includes('a=old'));
      a.heartbeat();
      await eventually(() => assert.deepEqual(beats, ['a']));
      await second.close();
      await bus.close();
    });

    test('onStatus: a report that is refused holds up nobody, one that could not be kept comes again', async () => {
      const bus = await open(keys.controller);
      const second = await openControllerBus(bus);
      const taken: string[] = [];
      let failures = 0;
      second.onStatus((id, bytes) => {
        const said = Buffer.from(bytes).toString();
        if (said === 'forged') throw new AtollError('PERMISSION_DENIED', 'not signed by the node');
        if (said === 'unlucky' && failures++ === 0) throw new Error('the disk is full');
        taken.push(`${id}=${said}`);
      });
      const a = openNodeBus(await openNode('a'), 'a');
      const b = openNodeBus(await openNode('b'), 'b');
      ends.push(() => a.close());
      ends.push(() => b.close());
      await a.publishStatus(Buffer.from('forged'));
      await b.publishStatus(Buffer.from('unlucky'));
      await eventually(() => assert.ok(taken.includes('b=unlucky')));
      await a.publishStatus(Buffer.from('right'));
      await eventually(() => assert.ok(taken.includes('a=right')));
      assert.ok(!taken.includes('a=forged'));
      await second.close();
      await bus.close();
    });

    test('onStatus takes one handler: two would share the one consumer', () => {
      assert.throws(() => controller.onStatus(() => undefined), { code: 'FAILED_PRECONDITION' });
    });

    test('size limits: too much or nothing is refused before it is sent', async () => {
      await assert.rejects(controller.putDesired('a', Buffer.alloc(maxPayloadBytes + 1)), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(controller.putDesired('a', Buffer.alloc(0)), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(controller.putDesired('a.b', Buffer.from('x')), { code: 'INVALID_ARGUMENT' });
      await controller.putDesired('a', randomBytes(maxPayloadBytes));
    });

    test('anonymous and unknown keys are refused', async () => {
      await assert.rejects(connect({ servers: server.url, reconnect: false }), /authorization/i);
      await assert.rejects(open(login()), { code: 'UNAUTHENTICATED' });
    });

    test('SIGKILL of the server: the node comes back and catches up with what was put meanwhile', async () => {
      const heard: string[] = [];
      const node = openNodeBus(await openNode('a'), 'a');
      ends.push(() => node.close());
      node.onDesired((bytes) => heard.push(Buffer.from(bytes).toString()));
      await controller.putDesired('a', Buffer.from('before'));
      await eventually(() => assert.ok(heard.includes('before')));
      await server.kill();
      const putting = controller.putDesired('a', Buffer.from('meanwhile'));
      await server.restart();
      await putting;
      await eventually(() => assert.equal(heard.at(-1), 'meanwhile'));
      assert.equal(text(await node.readDesired()), 'meanwhile');
    });

    test('a lost store: bucket and streams are made again, states can be put again, reports flow again', async () => {
      const heard: string[] = [];
      let reconnects = 0;
      let losses = 0;
      controller.onDisconnect(() => losses++);
      controller.onReconnect(() => reconnects++);
      const node = openNodeBus(await openNode('b'), 'b');
      ends.push(() => node.close());
      node.onDesired((bytes) => heard.push(Buffer.from(bytes).toString()));
      await server.restart(true);
      await eventually(() => assert.ok(losses > 0 && reconnects > 0));
      await controller.putDesired('b', Buffer.from('again'));
      await eventually(() => assert.ok(heard.includes('again')));
      await eventually(async () => node.publishStatus(Buffer.from('alive')));
      await eventually(() => assert.ok(reports.includes('b=alive')));
    });
  },
);

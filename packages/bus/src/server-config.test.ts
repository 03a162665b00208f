import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseNodeId } from './names.js';
import { encodeUserSeed } from './nkey.js';
import { credentialsOf } from './credentials.js';
import { renderServerConfig, type ServerConfig } from './server-config.js';

const keyOf = (fill: number): string => credentialsOf(encodeUserSeed(Buffer.alloc(32, fill))).publicNkey;
const good: ServerConfig = {
  listen: '127.0.0.1:4222',
  storeDir: '/var/lib/nats',
  controllerPublicNkey: keyOf(1),
  nodes: [{ id: 'a', publicNkey: keyOf(2) }],
};

const refused: [string, Partial<ServerConfig>, RegExp][] = [
  ['an id that is part of no subject', { nodes: [{ id: 'a.b', publicNkey: keyOf(2) }] }, /node id "a\.b"/],
  ['a wildcard as an id', { nodes: [{ id: '*', publicNkey: keyOf(2) }] }, /node id "\*"/],
  ['a key that is none', { nodes: [{ id: 'a', publicNkey: 'UABC' }] }, /user key "UABC"/],
  ['a node twice', { nodes: [good.nodes[0], good.nodes[0]].filter((node) => node !== undefined) }, /a comes twice/],
  ['two users with one key', { nodes: [{ id: 'a', publicNkey: keyOf(1) }] }, /comes twice/],
  ['a path that breaks out of its quotes', { storeDir: '/x" } accounts {' }, /quotes/],
];

for (const [what, change, message] of refused) {
  test(`renderServerConfig refuses ${what}`, () => {
    assert.throws(() => renderServerConfig({ ...good, ...change }), message);
  });
}

test('renderServerConfig gives a node its own subjects alone, and JetStream to FLEET alone', () => {
  const text = renderServerConfig(good);
  const user = text.split('\n').find((line) => line.includes(keyOf(2))) ?? '';
  assert.deepEqual([...user.matchAll(/"([^"]+)"/g)].map((match) => match[1]).slice(1), [
    '$JS.API.DIRECT.GET.KV_fleet_desired.$KV.fleet_desired.node.a',
    'fleet.status.node.a',
    'fleet.hb.a',
    'fleet.desired.node.a',
    'fleet.poke',
    '_INBOX_a.>',
  ]);
  assert.equal(text.match(/jetstream: enabled/g)?.length, 1);
  assert.ok(text.indexOf('jetstream: enabled') < text.indexOf('  EDGE {'));
});

test('parseNodeId takes what a subject can carry and nothing else', () => {
  for (const id of ['a', 'node-1', '0', 'x'.repeat(63)]) assert.equal(parseNodeId(id), id);
  for (const id of ['', 'A', 'a.b', 'a b', '>', '*', 'ä', 'x'.repeat(64)])
    assert.throws(() => parseNodeId(id), /node id/, id);
});

test('deploy/nats/hub.example.conf is what renderServerConfig renders for a hub with two nodes', async () => {
  const written = await readFile(new URL('../../../deploy/nats/hub.example.conf', import.meta.url), 'utf8');
  const [controller, first, second] = written.match(/U[A-Z2-7]{55}/g) ?? [];
  const nodes = [
    { id: 'node-1', publicNkey: first ?? '' },
    { id: 'node-2', publicNkey: second ?? '' },
  ];
  const rendered = renderServerConfig({
    listen: '0.0.0.0:4222',
    storeDir: '/data',
    monitorListen: '0.0.0.0:8222',
    controllerPublicNkey: controller ?? '',
    nodes,
  });
  assert.equal(written, rendered);
});

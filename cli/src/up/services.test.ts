import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetKeys, NodeKeys } from './fleet-keys.js';
import { nodeSpec, registrySpec, rolloutSpec, trainerSpec } from './services.js';

const node: NodeKeys = {
  id: 'node-2',
  keyPath: '/d/keys/nodes/node-2.pem',
  publicKeyPath: '/d/keys/nodes/node-2.pub.pem',
  credentialsPath: '/d/keys/nodes/node-2.nkey',
  publicNkey: 'U',
};
const keys: FleetKeys = {
  buildKeyPath: '/d/keys/build.pem',
  buildPublicPath: '/d/keys/build.pub.pem',
  directorKeyPath: '/d/keys/director.pem',
  directorPublicPath: '/d/keys/director.pub.pem',
  controllerCredentialsPath: '/d/keys/controller.nkey',
  controllerPublicNkey: 'U',
  nodes: [node],
};
const env = {
  PATH: '/bin',
  HOME: '/home/x',
  SECRET: 'y',
  ATOLL_CACHE: '/c',
  ATOLL_SERVER: 'z',
  ATOLL_TRAINER_MAX_RUNNING_JOBS: '2',
  TF_NUM_INTRAOP_THREADS: '1',
};
const setting = { dataDir: '/d', env, keys, anyPorts: false };
const at = { nats: 'nats://127.0.0.1:1', registry: '127.0.0.1:7403' };

test('a service gets its own settings and what every program needs, and nothing else of the environment', () => {
  assert.deepEqual(trainerSpec(setting).env, {
    PATH: '/bin',
    HOME: '/home/x',
    ATOLL_CACHE: '/c',
    ATOLL_TRAINER_MAX_RUNNING_JOBS: '2',
    TF_NUM_INTRAOP_THREADS: '1',
    ATOLL_DATA_DIR: '/d',
    ATOLL_TRAINER_LISTEN: '127.0.0.1:7401',
  });
});

test('no process is told of a private key that is not its own', () => {
  const told = (spec: { readonly env: object }): string[] =>
    Object.values(spec.env)
      .map(String)
      .filter((value) => /(?<!\.pub)\.pem$|\.nkey$/.test(value));
  assert.deepEqual(told(registrySpec(setting)), []);
  assert.deepEqual(told(rolloutSpec(setting, at)), [keys.controllerCredentialsPath, keys.directorKeyPath]);
  assert.deepEqual(told(nodeSpec(setting, node, 1, at)), [node.credentialsPath, node.keyPath]);
});

test('a node listens on the default port of its place, on any, or where it did before', () => {
  const listens = (spec: { readonly env: Readonly<Record<string, string | undefined>> }) =>
    spec.env['ATOLL_EDGE_INFERENCE_LISTEN'];
  assert.equal(listens(nodeSpec(setting, node, 1, at)), '127.0.0.1:7412');
  assert.equal(listens(nodeSpec({ ...setting, anyPorts: true }, node, 1, at)), '127.0.0.1:0');
  assert.equal(listens(nodeSpec({ ...setting, anyPorts: true }, node, 1, at, '127.0.0.1:5')), '127.0.0.1:5');
});

test('the environment moves a service, and the first node with the others behind it', () => {
  const moved = {
    ...setting,
    env: { ATOLL_TRAINER_LISTEN: '127.0.0.1:9001', ATOLL_EDGE_INFERENCE_LISTEN: '127.0.0.1:9011' },
  };
  assert.equal(trainerSpec(moved).env['ATOLL_TRAINER_LISTEN'], '127.0.0.1:9001');
  assert.equal(nodeSpec(moved, node, 2, at).env['ATOLL_EDGE_INFERENCE_LISTEN'], '127.0.0.1:9013');
});

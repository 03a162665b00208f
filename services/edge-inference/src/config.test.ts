import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConfig } from './config.js';

const fleet = {
  ATOLL_EDGE_INFERENCE_NODE_ID: 'node-1',
  ATOLL_EDGE_INFERENCE_NATS_CREDENTIALS: 'nats.seed',
  ATOLL_EDGE_INFERENCE_NODE_KEY: 'node.pem',
  ATOLL_EDGE_INFERENCE_BUILD_KEYS: 'build.pem',
  ATOLL_EDGE_INFERENCE_DIRECTOR_KEYS: 'director.pem',
  ATOLL_NATS_URL: 'nats://localhost:4222',
};

describe('readConfig()', () => {
  test('without any name is a node that stands alone on the default ports', () => {
    const config = readConfig({ HOME: '/home/node' });
    assert.deepEqual(
      [config.listen, config.httpListen, config.backend, config.slots, config.models, config.fleet],
      ['127.0.0.1:7411', '127.0.0.1:7511', 'auto', 1, [], undefined],
    );
  });

  test('takes models and fleet as given', () => {
    const config = readConfig({
      ...fleet,
      ATOLL_EDGE_INFERENCE_LISTEN: 'unix:/run/atoll.sock',
      ATOLL_EDGE_INFERENCE_MODELS: 'a=one.tflite, b=two=2.tflite',
      ATOLL_EDGE_INFERENCE_LABELS: 'site=hall-3,line=2',
      ATOLL_DATA_DIR: '/data',
    });
    assert.equal(config.httpListen, undefined);
    assert.deepEqual(config.models, [
      { name: 'a', path: 'one.tflite' },
      { name: 'b', path: 'two=2.tflite' },
    ]);
    assert.deepEqual(config.fleet?.labels, { site: 'hall-3', line: '2' });
    assert.deepEqual([config.fleet.dataDir, config.fleet.registry], ['/data/nodes/node-1', '127.0.0.1:7403']);
  });

  test('devices are looked for, or none, or those that are named, with their options', () => {
    const devices = (env: Record<string, string>) => readConfig(env).devices;
    assert.deepEqual(devices({}), { names: 'auto', options: {} });
    assert.deepEqual(devices({ ATOLL_EDGE_INFERENCE_DEVICES: 'none' }).names, []);
    const named = devices({
      ATOLL_EDGE_INFERENCE_DEVICES: 'usb:0, pci:/dev/apex_0',
      ATOLL_EDGE_INFERENCE_DEVICE_OPTIONS: 'Performance=High,Usb.AlwaysDfu=True',
    });
    assert.deepEqual(named.names, ['usb:0', 'pci:/dev/apex_0']);
    assert.deepEqual(named.options, { Performance: 'High', 'Usb.AlwaysDfu': 'True' });
    for (const [value, message] of [
      ['tpu:0', /DEVICES="tpu:0": cannot use device "tpu:0"/],
      ['usb:0,usb:0', /cannot use device usb:0 twice/],
    ] as const)
      assert.throws(() => devices({ ATOLL_EDGE_INFERENCE_DEVICES: value }), { code: 'INVALID_ARGUMENT', message });
    for (const [value, message] of [
      ['Performance', /it is not NAME=VALUE/],
      ['Speed=High', /cannot use Edge TPU option "Speed"/],
    ] as const)
      assert.throws(() => devices({ ATOLL_EDGE_INFERENCE_DEVICE_OPTIONS: value }), { message });
  });

  test('tells every fault at once', () => {
    const env = {
      ATOLL_EDGE_INFERENCE_NODE_ID: 'node-1',
      ATOLL_EDGE_INFERENCE_SLOTS: '0',
      ATOLL_EDGE_INFERENCE_LABELS: 'site',
      ATOLL_EDGE_INFERENCE_BACKENDS: 'wasm',
    };
    assert.throws(
      () => readConfig(env),
      (error: Error) => {
        for (const part of [
          /SLOTS="0"/,
          /LABELS has "site"/,
          /NODE_KEY is not set/,
          /NATS_URL is not set/,
          /did you mean ATOLL_EDGE_INFERENCE_BACKEND\?/,
        ]) {
          assert.match(error.message, part);
        }
        return true;
      },
    );
  });
});

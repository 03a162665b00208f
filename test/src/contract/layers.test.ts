import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readText, sourcePaths } from '../support/repository.js';
import { layerFaults } from './layers.js';
import { readSource } from './source.js';

describe('layers', () => {
  test('every import of every source keeps the direction of the table', async () => {
    const paths = await sourcePaths();
    assert.ok(paths.length > 100, `only ${paths.length} sources were found`);
    const faults = await Promise.all(paths.map(async (path) => layerFaults(readSource(path, await readText(path)))));
    assert.deepEqual(faults.flat(), []);
  });
});

const bad: readonly (readonly [path: string, text: string, fault: RegExp])[] = [
  ['packages/base/src/a.ts', "import { Client } from '@grpc/grpc-js';", /1: imports @grpc\/grpc-js: base has no dep/],
  ['packages/proto/src/a.ts', "import type { Channel } from '@atoll/rpc/channel';", /proto may import proto, base/],
  ['packages/tflite/src/a.ts', "import { readFile } from 'node:fs/promises';", /knows bytes, not files/],
  ['packages/edgetpu/src/a.ts', "export * from '@atoll/runtime/model';", /may import edgetpu, base, tflite/],
  ['packages/release/src/a.ts', "import { x } from '../../base/src/error.js';", /leaves the workspace/],
  ['packages/release/src/a.ts', "import { x } from './b';", /ends in \.js/],
  ['packages/rpc/src/a.ts', "import { connect } from '@nats-io/transport-node';", /only packages\/bus may know it/],
  ['packages/new/src/a.ts', '', /no workspace that the table knows/],
  ['services/trainer/src/service.ts', "import { start } from '@atoll/registry/service';", /only cli and test/],
  ['scripts/src/a.ts', "const x = await import('@atoll/trainer/service');", /only cli and test/],
  ['scripts/src/a.ts', "import { x } from '@atoll/rpc/channel';", /scripts may import base/],
  ['cli/src/a.ts', "import { x } from '@atoll/trainer/job/run';", /entered by \.\/service alone/],
  ['cli/src/a.ts', "import { train } from '@tensorflow/tfjs-core';", /only services\/trainer may know it/],
  ['services/trainer/src/rpc/start.ts', "import { x } from '../service.js';", /rpc may not import service/],
  ['services/rollout/src/state/a.ts', "import { x } from '../rpc/get-node.js';", /touching part may not import rpc/],
  [
    'services/rollout/src/decide/a.ts',
    "import { x } from '../state/store.js';",
    /deciding part may not import a touching/,
  ],
  [
    'services/rollout/src/decide/a.ts',
    "import { x } from '@atoll/bus/names';",
    /deciding part of services\/rollout may/,
  ],
  ['services/rollout/src/decide/a.ts', "import { x } from '@atoll/base/files';", /touches nothing outside/],
  ['services/rollout/src/decide/a.ts', "import { spawn } from 'node:child_process';", /touches nothing outside/],
  ['services/rollout/src/decide/a.ts', 'export const now = () => Date.now();', /uses Date\.now: clock, chance/],
  ['services/trainer/src/augment/a.ts', 'export const at = Math.random();', /uses Math\.random: clock, chance/],
  ['services/edge-inference/src/swap/policy.ts', "import { x } from './manager.js';", /may not import a touching part/],
  ['services/edge-inference/src/swap/manager.ts', "export const a = process.env['HOME'];", /in main\.ts alone/],
  ['cli/src/verbs/a.ts', "export const a = process['env'];", /in main\.ts alone/],
  ['packages/base/src/a.ts', "import { env } from 'node:process';", /uses process\.env/],
  ['packages/rpc/src/a.ts', "const a = import.meta.resolve('@atoll/bus/names');", /may import rpc, base, proto/],
  ['packages/rpc/src/a.ts', "const a = require('sharp');", /only packages\/image, scripts may know it/],
  ['packages/rpc/src/a.ts', "export type A = import('@atoll/bus/names').A;", /may import rpc, base, proto/],
];

describe('layerFaults()', () => {
  for (const [path, text, fault] of bad) {
    test(`${path} is refused for ${text || 'where it is'}`, () => {
      const faults = layerFaults(readSource(path, text));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', fault);
    });
  }

  const good: readonly (readonly [path: string, text: string])[] = [
    ['services/rollout/src/main.ts', "import { run } from '@atoll/base/lifecycle'; run(process.env);"],
    ['services/rollout/src/service.ts', "import { decide } from './decide/decide.js';"],
    ['services/rollout/src/decide/a.ts', "import { verify } from '@atoll/release/verify'; export * from './b.js';"],
    ['services/edge-inference/src/swap/manager.ts', "import { x } from './policy.js'; const t = Date.now();"],
    ['services/trainer/src/model/a.ts', "// import { x } from '@grpc/grpc-js'\nexport const a = \"import 'sharp'\";"],
    ['test/src/e2e/a.ts', "import { start } from '@atoll/trainer/service';"],
    ['packages/rpc/src/server.test.ts', "import { x } from '@atoll/artifacts/store'; process.env;"],
  ];
  for (const [path, text] of good) {
    test(`${path} may say ${text}`, () => assert.deepEqual(layerFaults(readSource(path, text)), []));
  }

  test('an unreadable source is an error, not an empty answer', () => {
    assert.throws(() => readSource('packages/base/src/a.ts', 'import {'), /cannot parse packages\/base\/src\/a\.ts/);
  });
});

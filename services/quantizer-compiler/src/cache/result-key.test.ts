import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainOptions } from '@atoll/edgetpu/compiler-options';
import type { AskedTask } from '../job/messages.js';
import type { Lineage } from './lineage.js';
import { resultKey } from './result-key.js';

const lineage: Lineage = {
  model: [{ name: 'model.h5', sha256: 'a'.repeat(64) }],
  dataset: 'b'.repeat(64),
  evalDataset: null,
  samples: 100,
  seed: '1',
  runtime: 'LiteRT',
  edgeTpuCompiler: null,
  code: 'c'.repeat(64),
};
const task = {
  kind: 'quantize',
  mode: 'full-integer',
  page: false,
  model: [{ name: 'model.h5', file: '/one/aa' }],
  lineage,
  photos: [{ path: 'frog/1.png', label: 'frog', file: '/one/bb' }],
  heldOut: [{ path: 'frog/2.png', label: 'frog', file: '/one/cc' }],
  evalPhotos: [],
  labels: ['frog'],
  pixels: '0..1',
  ranges: 'auto',
  inputType: 'uint8',
  outputType: 'uint8',
  libraries: { liteRt: '/one/libLiteRt.so', tfLite: '/one/libtensorflowlite_c.so' },
} as const satisfies AskedTask;
const compile = {
  kind: 'compile',
  model: task.model,
  compiler: '/usr/bin/edgetpu_compiler',
  options: plainOptions,
  timeoutMs: 1000,
  lineage: { ...lineage, edgeTpuCompiler: { path: '/usr/bin/edgetpu_compiler', sha256: 'd'.repeat(64) } },
} as const satisfies AskedTask;

describe('resultKey', () => {
  const same: readonly (readonly [string, AskedTask, AskedTask])[] = [
    ['where the files lie', task, { ...task, model: [{ name: 'model.h5', file: '/two/aa' }], photos: [], heldOut: [] }],
    ['where the libraries lie', task, { ...task, libraries: { liteRt: '/l', tfLite: '/t' } }],
    ['how long the compiler may take', compile, { ...compile, timeoutMs: 5 }],
  ];
  for (const [what, a, b] of same) it(`does not count ${what}`, () => assert.equal(resultKey(a), resultKey(b)));

  const differing: readonly (readonly [string, AskedTask, AskedTask])[] = [
    ['the mode', task, { ...task, mode: 'float16' }],
    ['the page', task, { ...task, page: true }],
    ['labels', task, { ...task, labels: ['toad'] }],
    ['ranges', task, { ...task, ranges: 'minmax' }],
    ['the kind of task', task, { kind: 'convert', model: task.model, lineage }],
    [
      "the model's bytes",
      task,
      { ...task, lineage: { ...lineage, model: [{ name: 'model.h5', sha256: 'e'.repeat(64) }] } },
    ],
    ['the photos', task, { ...task, lineage: { ...lineage, dataset: 'e'.repeat(64) } }],
    ['the draw of the photos', task, { ...task, lineage: { ...lineage, seed: '2' } }],
    ["Atoll's code", task, { ...task, lineage: { ...lineage, code: 'e'.repeat(64) } }],
    ['what runs the models', task, { ...task, lineage: { ...lineage, runtime: 'WebAssembly' } }],
    [
      "the compiler's bytes",
      compile,
      { ...compile, lineage: { ...lineage, edgeTpuCompiler: { path: compile.compiler, sha256: 'e'.repeat(64) } } },
    ],
    ['the oldest runtime', compile, { ...compile, options: { ...plainOptions, minRuntimeVersion: 13 } }],
    ['the segments', compile, { ...compile, options: { ...plainOptions, numSegments: 2 } }],
  ];
  for (const [what, a, b] of differing) it(`counts ${what}`, () => assert.notEqual(resultKey(a), resultKey(b)));
});

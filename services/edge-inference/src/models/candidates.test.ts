import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BackendChoice } from '@atoll/runtime/open';
import { candidatesOf, probeCandidatesOf } from './candidates.js';
import type { ModelPackage, Target } from './model-package.js';

const pkg = (...targets: Target[]): ModelPackage => ({
  model: 'm',
  version: 1n,
  manifestSha256: '',
  files: targets.map((target) => ({ target, path: target, sha256: target, sizeBytes: 1, minRuntimeVersion: 0 })),
  inputs: [],
  outputs: [],
  preprocessing: undefined,
  labels: [],
  golden: [],
});

const table: readonly (readonly [BackendChoice, Target[], serve: string, probe: string])[] = [
  ['auto', ['cpu'], 'auto:cpu', 'auto:cpu'],
  ['auto', ['cpu', 'edgetpu'], 'edgetpu:edgetpu auto:cpu', 'auto:cpu'],
  ['auto', ['edgetpu'], 'edgetpu:edgetpu', ''],
  ['edgetpu', ['cpu', 'edgetpu'], 'edgetpu:edgetpu', 'auto:cpu'],
  ['edgetpu', ['cpu'], '', 'auto:cpu'],
  ['native', ['cpu', 'edgetpu'], 'native:cpu', 'native:cpu'],
  ['wasm', ['edgetpu', 'cpu'], 'wasm:cpu', 'wasm:cpu'],
];

test('candidatesOf() tries the preferred backend first and keeps the usual order behind it, under auto alone', () => {
  const told = (backend: BackendChoice): string =>
    candidatesOf(pkg('cpu', 'edgetpu'), backend, 'wasm')
      .map((candidate) => `${candidate.backend}:${candidate.path}`)
      .join(' ');
  assert.equal(told('auto'), 'edgetpu:edgetpu wasm:cpu auto:cpu');
  assert.equal(told('native'), 'native:cpu');
});

test('candidatesOf() carries the parts of a cut model along, and a probe tries whole models alone', () => {
  const whole = pkg('cpu', 'edgetpu');
  const parts = [0, 1].map((index) => ({
    ...pkg('edgetpu').files[0],
    path: `part ${index}`,
    segment: { index, count: 2 },
  }));
  const cut: ModelPackage = { ...whole, files: [...whole.files, ...(parts as ModelPackage['files'])] };
  assert.deepEqual(
    candidatesOf(cut, 'auto').map(({ path, segment }) => [path, segment?.index]),
    [
      ['edgetpu', undefined],
      ['part 0', 0],
      ['part 1', 1],
      ['cpu', undefined],
    ],
  );
  assert.deepEqual(
    probeCandidatesOf(cut, 'auto').map(({ path }) => path),
    ['cpu'],
  );
});

describe('candidatesOf() and probeCandidatesOf()', () => {
  for (const [backend, targets, serve, probe] of table) {
    test(`${backend} with files for ${targets.join(' and ')}`, () => {
      const told = (of: typeof candidatesOf): string =>
        of(pkg(...targets), backend)
          .map((candidate) => `${candidate.backend}:${candidate.path}`)
          .join(' ');
      assert.deepEqual([told(candidatesOf), told(probeCandidatesOf)], [serve, probe]);
    });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearest.js';

const names = ['--data', '--epochs', '--engine', '--out'];
const cases: readonly [given: string, nearest: string | undefined][] = [
  ['--epoch', '--epochs'],
  ['--egnine', '--engine'],
  ['--dta', '--data'],
  ['--completely-else', undefined],
];

for (const [given, nearest] of cases) {
  test(`nearestName finds ${nearest ?? 'nothing'} for ${given}`, () =>
    assert.equal(nearestName(given, names), nearest));
}

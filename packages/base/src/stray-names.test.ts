import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strayNames } from './stray-names.js';

const cases: readonly [name: string, lines: readonly string[]][] = [
  ['ATOLL_CACHE', []],
  ['ATOLL_TRAINER_LISTEN', []],
  ['HOME', []],
  ['ATOLL_CASHE', ['ATOLL_CASHE is not known and does nothing; did you mean ATOLL_CACHE?']],
  ['ATOLL_SOMETHING_ELSE', ['ATOLL_SOMETHING_ELSE is not known and does nothing']],
];

for (const [name, lines] of cases) {
  test(`strayNames says ${lines.length === 0 ? 'nothing' : 'one line'} of ${name}`, () => {
    assert.deepEqual(strayNames({ [name]: 'x' }), lines);
  });
}

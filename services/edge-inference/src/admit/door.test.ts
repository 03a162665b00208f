import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atTheDoor } from './door.js';
import type { AtTheDoor, DoorVerdict } from './door.js';

const idle: AtTheDoor = {
  working: 0,
  concurrency: 2,
  waiting: 0,
  ahead: 0,
  serviceMs: 10,
  remainingMs: Infinity,
  patienceMs: Infinity,
};
const cases: readonly (readonly [name: string, door: Partial<AtTheDoor>, verdict: DoorVerdict])[] = [
  ['an idle queue lets in', {}, { kind: 'enter' }],
  ['a passed deadline is late even there', { remainingMs: 0 }, { kind: 'late' }],
  ['an idle queue believes no estimate', { remainingMs: 1 }, { kind: 'enter' }],
  ['a free place beside others', { working: 1, remainingMs: 11 }, { kind: 'enter' }],
  ['a free place, but no time for the run', { working: 1, remainingMs: 9 }, { kind: 'hopeless', estimateMs: 10 }],
  ['no free place', { working: 2 }, { kind: 'wait' }],
  ['a free place while others wait for their turn', { working: 1, waiting: 1, ahead: 1 }, { kind: 'wait' }],
  ['time for the wait and the run', { working: 2, waiting: 3, ahead: 3, remainingMs: 30 }, { kind: 'wait' }],
  [
    'time for the run, but not for the wait',
    { working: 2, waiting: 3, ahead: 3, remainingMs: 29 },
    { kind: 'hopeless', estimateMs: 30 },
  ],
  ['few are ahead of an urgent one', { working: 2, waiting: 99, ahead: 0, remainingMs: 15 }, { kind: 'wait' }],
  ['patience is for the wait alone', { working: 2, waiting: 3, ahead: 3, patienceMs: 20 }, { kind: 'wait' }],
  [
    'a wait beyond its patience',
    { working: 2, waiting: 3, ahead: 3, patienceMs: 19 },
    { kind: 'hopeless', estimateMs: 30 },
  ],
  ['nothing is known of the service time yet', { working: 2, serviceMs: 0, remainingMs: 1 }, { kind: 'wait' }],
];

for (const [name, door, verdict] of cases) {
  test(`atTheDoor: ${name}`, () => assert.deepEqual(atTheDoor({ ...idle, ...door }), verdict));
}

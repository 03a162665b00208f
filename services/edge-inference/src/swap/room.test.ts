import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Occupant, Room } from './room.js';
import { roomFor } from './room.js';

const mb = 2 ** 20;

/** "b 30 @2 pinned" is model b of 30 MB, used second, pinned. */
function parse(line: string): Occupant[] {
  return line === ''
    ? []
    : line.split(', ').map((text) => {
        const [name = '', size = '', use = '', pinned] = text.split(' ');
        return { name, bytes: Number(size) * mb, lastUse: Number(use.slice(1)), pinned: pinned === 'pinned' };
      });
}

const beside = (...evict: string[]): Room => ({ kind: 'room', policy: 'availability-preserving', evict });
const instead = (...evict: string[]): Room => ({ kind: 'room', policy: 'resource-preserving', evict });
const none = (reason: string): Room => ({ kind: 'none', reason });

const table: readonly (readonly [
  why: string,
  budget: number,
  coming: number,
  replaced: number,
  others: string,
  room: Room,
])[] = [
  ['no bound', 0, 500, 500, 'b 900 @1', beside()],
  ['there is room for both', 100, 40, 40, 'b 20 @1', beside()],
  ['it fits to the byte', 100, 40, 40, 'b 20 @1', beside()],
  ['the least recently used one goes', 100, 40, 40, 'b 20 @2, c 20 @1', beside('c')],
  ['as many go as are needed, oldest first', 100, 60, 0, 'b 30 @3, c 30 @1, d 30 @2', beside('c', 'd')],
  ['a pinned one stays, the next older one goes', 100, 40, 0, 'b 50 @1 pinned, c 30 @2', beside('c')],
  ['one idle model leaves before the version in service does', 100, 50, 50, 'b 20 @9', beside('b')],
  ['two versions have no room beside what is pinned: one after the other', 100, 50, 40, 'b 20 @1 pinned', instead()],
  ['one after the other still sends the idle away', 100, 80, 70, 'b 10 @1 pinned, c 20 @2', instead('c')],
  [
    'alone above the budget',
    100,
    101,
    0,
    '',
    none("it needs 101.0 MB of memory, the node's memory budget is 100.0 MB"),
  ],
  [
    'what may not leave holds too much',
    100,
    50,
    10,
    'b 60 @1 pinned, c 5 @2',
    none(
      "it needs 50.0 MB of memory, and of the node's memory budget of 100.0 MB models that may not leave hold 60.0 MB",
    ),
  ],
];

describe('roomFor()', () => {
  for (const [why, budget, coming, replaced, others, room] of table) {
    test(`${why}: ${coming} MB for ${replaced} MB of ${budget} MB beside ${others || 'nothing'}`, () => {
      const request = { budgetBytes: budget * mb, comingBytes: coming * mb, replacedBytes: replaced * mb };
      assert.deepEqual(roomFor({ ...request, others: parse(others) }), room);
    });
  }
});

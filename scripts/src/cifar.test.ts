import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choosePhotos } from './cifar.js';

describe('choosePhotos', () => {
  it('keeps the six classes, numbers each from 0, and stops at the limit', () => {
    const chosen = choosePhotos([0, 3, 0, 8, 0, 5, 9, 6], 2, new Map());
    assert.deepEqual(chosen, [
      { row: 0, label: 'airplane', number: 0 },
      { row: 2, label: 'airplane', number: 1 },
      { row: 3, label: 'ship', number: 0 },
      { row: 7, label: 'frog', number: 0 },
    ]);
  });

  it('goes on from what an earlier sheet gave', () => {
    const chosen = choosePhotos([8, 8, 1], 3, new Map([['ship', 2]]));
    assert.deepEqual(chosen, [
      { row: 0, label: 'ship', number: 2 },
      { row: 2, label: 'automobile', number: 0 },
    ]);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createShareDealer, placeOf } from './traffic.js';

const keys = Array.from({ length: 4_000 }, (_, i) => `camera-${i}`);

describe('a share dealer', () => {
  for (const percent of [0, 0.5, 1, 10, 100 / 3, 50, 90, 100]) {
    test(`deals ${percent} percent evenly: never more than one off`, () => {
      const dealer = createShareDealer();
      let taken = 0;
      for (let n = 1; n <= 2_000; n++) {
        if (dealer.takes(percent)) taken++;
        const due = (n * percent) / 100;
        assert.ok(Math.abs(taken - due) <= 1 + 1e-6, `${taken} of ${n}, due ${due}`);
      }
    });
  }

  test('keeps a route key on its side, and on the side of the share when the share grows', () => {
    const dealer = createShareDealer();
    for (const key of keys.slice(0, 500)) {
      const side = dealer.takes(20, key);
      assert.equal(dealer.takes(20, key), side);
      if (side) assert.equal(dealer.takes(40, key), true);
      assert.deepEqual([dealer.takes(0, key), dealer.takes(100, key)], [false, true]);
    }
  });

  test('keys spread over the scale: every tenth of it has a tenth of them, give or take a fifth of that', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const key of keys) {
      const tenth = Math.floor(placeOf(key) / 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) assert.ok(Math.abs(count - 400) < 80, String(tenths));
  });
});

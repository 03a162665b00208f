import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asked, swapFigures } from './load.js';

const asked = (nodeId: string, sentMs: number, answeredMs: number, version: bigint | undefined): Asked => ({
  nodeId,
  sentMs,
  answeredMs,
  version,
  error: version === undefined ? 'no' : undefined,
});

test('swapFigures counts what failed, what was answered by a stranger, and what was under way at each flip', () => {
  const figures = swapFigures(
    [
      asked('a', 0, 10, 1n),
      asked('a', 5, 25, 1n),
      asked('a', 20, 30, 2n),
      asked('a', 28, 40, 2n),
      asked('a', 31, 41, 2n),
      asked('b', 0, 10, 1n),
      asked('b', 10, 20, 2n),
      asked('b', 20, 30, undefined),
      asked('b', 30, 40, 3n),
    ],
    ['a', 'b', 'c'],
    { from: 1n, to: 2n },
  );
  assert.deepEqual(figures, {
    requests: 9,
    failed: 1,
    strangers: 1,
    // On a: the one that v1 still answered and the one that was sent before the first answer of v2. On b: nobody else.
    inFlightAtFlip: { a: 2, b: 0, c: 0 },
    p50Ms: 10,
    p99Ms: 20,
  });
});

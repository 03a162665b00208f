import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChannel } from '@atoll/rpc/channel';
import { createBlobSources, setBackMs } from './blob-sources.js';

test('createBlobSources(): who failed comes last, the latest failure at the very end, and each comes back in its time', (t) => {
  const channel = openChannel('127.0.0.1:1');
  t.after(() => channel.close());
  const [a, b, c] = [
    { name: 'a', channel },
    { name: 'b', channel },
    { name: 'c', channel },
  ] as const;
  let nowMs = 5;
  const sources = createBlobSources([a, b, c], () => nowMs);
  const order = (): string =>
    sources
      .inOrder()
      .map(({ name }) => name)
      .join('');
  assert.equal(order(), 'abc');
  sources.setBack(b);
  nowMs += 10;
  sources.setBack(a);
  assert.equal(order(), 'cba');
  nowMs += setBackMs - 10;
  assert.equal(order(), 'bca');
  nowMs += 10;
  assert.equal(order(), 'abc');
});

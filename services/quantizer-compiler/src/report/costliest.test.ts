import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costliest } from './costliest.js';

const tensor = (name: string, sqnrDb: number | null, method = 'minmax') => ({ name, sqnrDb, method });

test('costliest gives the tensor of least SQNR, the first of several, and no logits that were narrowed on purpose', () => {
  const all = [tensor('image', null), tensor('a', 30), tensor('b', 20), tensor('c', 20), tensor('d', 5, 'logits')];
  assert.equal(costliest(all)?.name, 'b');
  assert.equal(costliest([tensor('image', null), tensor('d', 5, 'logits')]), undefined);
});

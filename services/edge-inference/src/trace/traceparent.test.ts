import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceparent } from './traceparent.js';

const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

test('parseTraceparent(): what the recommendation allows, and nothing else', () => {
  const good: [string, number][] = [
    [`00-${trace}-${span}-01`, 1],
    [`00-${trace}-${span}-00`, 0],
    [`00-${trace}-${span}-03`, 3],
    [`cc-${trace}-${span}-01`, 1],
    [`cc-${trace}-${span}-01-what-comes-later`, 1],
  ];
  for (const [text, flags] of good)
    assert.deepEqual(parseTraceparent(text), { traceId: trace, spanId: span, flags }, text);
  const bad = [
    undefined,
    '',
    `00-${trace}-${span}`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace.slice(1)}-${span}-01`,
    `cc-${trace}-${span}-01more`,
    ` 00-${trace}-${span}-01`,
  ];
  for (const text of bad) assert.equal(parseTraceparent(text), undefined, String(text));
});

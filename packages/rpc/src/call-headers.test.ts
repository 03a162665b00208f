import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentEncoded, timeoutOf } from './call-headers.js';

test('timeoutOf() reads every unit and refuses what is no time', () => {
  const cases: readonly [string | undefined, number][] = [
    [undefined, Infinity],
    ['2H', 7_200_000],
    ['3M', 180_000],
    ['4S', 4_000],
    ['50m', 50],
    ['1500u', 1.5],
    ['0n', 0],
  ];
  for (const [header, ms] of cases) assert.equal(timeoutOf(header), ms);
  for (const header of ['', '5', 'm', '123456789m', '-1m', '1.5S', '1x'])
    assert.throws(() => timeoutOf(header), { code: 'INTERNAL' });
});

test('percentEncoded() leaves printable ASCII and encodes the rest, the sign itself and new lines too', () => {
  assert.equal(percentEncoded('cannot run a: ~ok'), 'cannot run a: ~ok');
  assert.equal(percentEncoded('100 %\né'), '100 %25%0A%C3%A9');
  assert.equal(decodeURIComponent(percentEncoded('пёс & 犬 %')), 'пёс & 犬 %');
});

test('percentEncoded() cuts what no header takes, between two characters', () => {
  for (const text of ['a'.repeat(9_000), '犬'.repeat(1_024), '😀'.repeat(1_024), `%${'é'.repeat(2_000)}`]) {
    const encoded = percentEncoded(text);
    assert.ok(encoded.length <= 4_096 && encoded.length > 4_080, String(encoded.length));
    assert.ok(text.startsWith(decodeURIComponent(encoded)));
  }
});

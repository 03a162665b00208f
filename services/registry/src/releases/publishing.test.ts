import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleManifest } from '@atoll/release/samples-for-tests';
import { checkChunks, checkHeld, decidePublish, type FoundBlob, parseAlias } from './publishing.js';

const release = { manifest: sampleManifest(), manifestSha256: 'a' };

test('decidePublish: new, the same again, and never other contents under a version', () => {
  assert.equal(decidePublish(undefined, release), 'new');
  assert.equal(decidePublish('a', release), 'same');
  assert.throws(() => decidePublish('b', release), { code: 'ALREADY_EXISTS', message: /birds v1.*never changes/ });
});

const blob = (sha256: string, sizeBytes: number | undefined): FoundBlob => ({ sha256, wantedBytes: 5, sizeBytes });
const held: readonly (readonly [what: string, found: readonly FoundBlob[], code: string, message: RegExp])[] = [
  ['a missing blob', [blob('x', undefined)], 'FAILED_PRECONDITION', /its blob x was not uploaded/],
  [
    'many missing',
    ['a', 'b', 'c', 'd', 'e'].map((c) => blob(c, undefined)),
    'FAILED_PRECONDITION',
    /a, b, c and 2 more/,
  ],
  ['a wrong size', [blob('x', 5), blob('y', 4)], 'INVALID_ARGUMENT', /blob y has 4 bytes, not 5/],
];
for (const [what, found, code, message] of held) {
  test(`checkHeld refuses ${what}`, () => assert.throws(() => checkHeld(release, found), { code, message }));
}

test('checkHeld and checkChunks pass what is right', () => {
  checkHeld(release, [blob('x', 5)]);
  checkChunks(release, 'x', [Buffer.from('1')], [Buffer.from('1')]);
});

test('checkChunks names the first chunk that is wrong or not there', () => {
  const [a, b, c] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')];
  assert.throws(() => checkChunks(release, 'x', [a, b], [a, c]), /chunk 1 of blob x/);
  assert.throws(() => checkChunks(release, 'x', [a], [a, b]), /chunk 1 of blob x/);
  assert.throws(() => checkChunks(release, 'x', [a, b], [a]), /chunk 1 of blob x/);
});

test('parseAlias takes a name with a letter first', () => {
  assert.equal(parseAlias('stable-2'), 'stable-2');
  for (const text of ['', '2', '-a', 'A', 'a.b', 'a'.repeat(64)]) {
    assert.throws(() => parseAlias(text), { code: 'INVALID_ARGUMENT' }, text);
  }
});

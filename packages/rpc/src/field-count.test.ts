import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import { checkFieldCount } from './field-count.js';

const repeated = (field: readonly number[], times: number): Buffer =>
  Buffer.concat(Array.from({ length: times }, () => Uint8Array.from(field)));
const refused = { code: 'INVALID_ARGUMENT', message: /over 65536 fields/ };

describe('checkFieldCount()', () => {
  const kinds: readonly [name: string, field: readonly number[]][] = [
    ['empty byte strings', [0x1a, 0]],
    ['numbers', [0x08, 0x01]],
    ['fixed numbers of four bytes', [0x0d, 1, 2, 3, 4]],
    ['fixed numbers of eight bytes', [0x09, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['numbers of the longest kind', [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ];
  for (const [name, field] of kinds) {
    test(`refuses millions of ${name}, and lets 65,536 pass`, () => {
      checkFieldCount(repeated(field, 65_536));
      assert.throws(() => checkFieldCount(repeated(field, 65_537 * 2)), refused);
    });
  }

  test('lets one large field pass', () => {
    const bytes = 8 * 2 ** 20;
    const head = Buffer.from([0x1a, 0x80 | (bytes & 0x7f), 0x80 | ((bytes >> 7) & 0x7f), 0x80, 0x04]);
    checkFieldCount(Buffer.concat([head, Buffer.alloc(bytes)]));
  });

  test('lets the longest list of a contract pass', () => {
    const sha256 = Array.from({ length: 10_000 }, () => 'a'.repeat(64));
    checkFieldCount(BlobServiceService.findMissing.requestSerialize({ sha256 }));
  });

  test('is not led astray by groups, by lengths longer than they need to be, and by what says it is longer', () => {
    const many = repeated([0x1a, 0], 100_000);
    assert.throws(() => checkFieldCount(Buffer.concat([Buffer.from([0x0b, 0x0c]), many])), /it has a group/);
    const long = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert.throws(() => checkFieldCount(Buffer.concat([Uint8Array.from([0x1a, ...long]), many])), refused);
    assert.throws(
      () => checkFieldCount(Buffer.concat([Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0x7f]), many]), 1),
      refused,
    );
  });

  test('counts the fields of messages within it, all together, where it is told of them', () => {
    const within = (count: number): Buffer => Buffer.concat([Uint8Array.from([0x0a, 100]), repeated([0x1a, 0], count)]);
    const half = Buffer.concat(Array.from({ length: 1_400 }, () => within(50)));
    checkFieldCount(half);
    assert.throws(() => checkFieldCount(half, 1), refused);
    // A photo within is bytes, whatever they look like.
    const photo = repeated([0x1a, 0], 100_000);
    const head = Buffer.from([
      0x1a,
      0x80 | (photo.length & 0x7f),
      0x80 | ((photo.length >> 7) & 0x7f),
      photo.length >> 14,
    ]);
    const { length } = photo;
    const outer = Buffer.from([
      0x0a,
      0x80 | ((length + 4) & 0x7f),
      0x80 | (((length + 4) >> 7) & 0x7f),
      (length + 4) >> 14,
    ]);
    checkFieldCount(Buffer.concat([outer, head, photo]), 1);
  });

  test('leaves what is cut off or no message to the decoder', () => {
    checkFieldCount(Buffer.alloc(200_000, 0xff));
    checkFieldCount(Buffer.concat([Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(200_000)]));
  });
});

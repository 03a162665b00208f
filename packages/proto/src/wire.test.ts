import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as library from '@bufbuild/protobuf/wire';
import { BinaryReader, BinaryWriter } from './wire.js';

test('the wire format without the library around it reads and writes what the library does', () => {
  const write = (writer: BinaryWriter): Uint8Array =>
    writer
      .uint32(10)
      .string('räder')
      .uint32(16)
      .uint64(2n ** 63n)
      .uint32(25)
      .double(-0.1)
      .finish();
  const bytes = write(new BinaryWriter());
  assert.deepEqual(bytes, write(new library.BinaryWriter()));
  for (const reader of [new BinaryReader(bytes), new library.BinaryReader(bytes)]) {
    assert.deepEqual([reader.uint32(), reader.string()], [10, 'räder']);
    assert.deepEqual([reader.uint32(), reader.uint64()], [16, 2n ** 63n]);
    assert.deepEqual([reader.uint32(), reader.double()], [25, -0.1]);
    assert.equal(reader.pos, reader.len);
  }
});

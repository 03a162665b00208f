import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { inferRequest } from '../node-for-tests.js';
import { checkParts } from './count-parts.js';

const encoded = (change: Partial<ModelInferRequest>): Buffer =>
  Buffer.from(ModelInferRequest.encode(inferRequest(1, change)).finish());
const repeated = (times: number, hex: string): Buffer => Buffer.alloc(times * (hex.length / 2), hex, 'hex');
/** One field of a message: its tag and its bytes. */
const field = (tag: number, bytes: Buffer): Buffer => {
  const length = Buffer.alloc(5);
  for (let i = 0; i < 5; i++) length[i] = ((bytes.length >>> (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0);
  return Buffer.concat([Buffer.from([tag]), length, bytes]);
};

test('a request with many tensors, or with many elements one by one, has no parts too many', () => {
  const [input] = inferRequest(1).inputs;
  assert.ok(input);
  checkParts(encoded({ inputs: Array.from({ length: 256 }, () => input) }));
  checkParts(field(0x2a, field(0x2a, repeated(1_000_000, '0801')))); // bool_contents that are not packed
});

for (const [what, message] of [
  ['outputs', repeated(10_000, '3200')],
  ['inputs', repeated(10_000, '2a00')],
  ['raw contents', repeated(10_000, '3a00')],
  ['parameters', repeated(10_000, '2200')],
  ['parameters of an output', field(0x32, repeated(10_000, '1200'))],
  ['texts of an input', field(0x2a, field(0x2a, repeated(10_000, '4200')))],
  ['dimensions', field(0x2a, field(0x1a, repeated(10_000, '01')))],
  ['dimensions that are not packed', field(0x2a, repeated(10_000, '1801'))],
] as const) {
  test(`a request of 10,000 ${what} is refused before it is decoded`, () => {
    assert.throws(
      () => checkParts(message),
      (error) => isAtollError(error, 'INVALID_ARGUMENT'),
    );
  });
}

test('what is cut off or no message at all is left to the decoder', () => {
  const whole = encoded({});
  for (let length = 0; length < 60; length++) checkParts(whole.subarray(0, length));
  checkParts(Buffer.alloc(100, 0xff));
  checkParts(Buffer.from([0x0b, 0x0c]));
});

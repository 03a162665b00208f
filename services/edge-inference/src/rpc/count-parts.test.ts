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
  ['fields in a parameter', field(0x22, field(0x12, repeated(10_000, '0801')))],
  ['fields in a parameter of an input', field(0x2a, field(0x22, field(0x12, repeated(10_000, '1a00'))))],
  ['numbers that it does not know', repeated(10_000, '7801')],
  ['numbers that an output does not know', field(0x32, repeated(10_000, '1801'))],
  ['fields behind a group', Buffer.concat([repeated(1, '0b0c'), repeated(10_000, '3200')])],
  ['fields of a tag that is longer than it needs to be', repeated(10_000, 'b2808080807000')],
  ['fields of a length that is longer than it needs to be', repeated(10_000, '328080808080808070')],
  [
    'inputs in one that says it is longer than the message',
    Buffer.concat([repeated(1, '2affffff7f'), repeated(10_000, '2200')]),
  ],
  [
    'fields in contents that are longer than their input',
    Buffer.concat([repeated(1, '2a032affff7f'), repeated(10_000, '4200')]),
  ],
  [
    'fields after the end of an input within it',
    field(0x2a, Buffer.concat([repeated(1, '00'), repeated(10_000, '3200')])),
  ],
] as const) {
  test(`a request of 10,000 ${what} is refused before it is decoded`, () => {
    assert.throws(
      () => checkParts(message),
      (error) => isAtollError(error, 'INVALID_ARGUMENT'),
    );
  });
}

for (const [what, list, most] of [
  ['bools', 0x0a, 2 ** 20],
  ['ints', 0x12, 2 ** 20],
  ['uints', 0x22, 2 ** 20],
  ['int64s', 0x1a, 2 ** 18],
  ['uint64s', 0x2a, 2 ** 18],
] as const) {
  test(`a request has ${most} ${what} one by one at most, packed or not`, () => {
    const packed = (count: number): Buffer => field(0x2a, field(0x2a, field(list, Buffer.alloc(count, 1))));
    checkParts(packed(most));
    const refusal = { code: 'INVALID_ARGUMENT', message: /a typed list has over \d+ elements: send them as raw/ };
    assert.throws(() => checkParts(packed(most + 1)), refusal);
    const oneByOne = Buffer.alloc(2 * (most + 1), Buffer.from([list - 2, 1]));
    assert.throws(() => checkParts(field(0x2a, field(0x2a, oneByOne))), refusal);
  });
}

test('what is cut off or no message at all is left to the decoder', () => {
  const whole = encoded({});
  for (let length = 0; length < 60; length++) checkParts(whole.subarray(0, length));
  checkParts(Buffer.alloc(100, 0xff));
});

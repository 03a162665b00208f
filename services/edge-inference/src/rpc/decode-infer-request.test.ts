import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferTensorContents, ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { decodeInferRequest } from './decode-infer-request.js';

const request = (raw: readonly number[], contents?: readonly number[]): ModelInferRequest => ({
  modelName: 'tiny',
  modelVersion: '3',
  id: 'a request',
  parameters: { priority: { parameterChoice: { $case: 'int64Param', value: 2n } } },
  inputs: [
    {
      name: 'image',
      datatype: 'UINT8',
      shape: [1n, -1n],
      parameters: {},
      contents: contents === undefined ? undefined : InferTensorContents.fromPartial({ uintContents: [...contents] }),
    },
  ],
  outputs: [{ name: 'scores', parameters: {} }],
  rawInputContents: raw.map((size) => Buffer.alloc(size, size)),
});

test('decodeInferRequest() reads what the generated decoder reads, whatever lies around and between the raw contents', () => {
  const one = Buffer.from(ModelInferRequest.encode(request([3, 0, 200, 70_000])).finish());
  const unknownText = Buffer.from([0xfa, 0x01, 2, 65, 66]); // field 31, two bytes
  const unknownNumber = Buffer.from([0x40, 5]); // field 8, varint
  const messages = [
    Buffer.alloc(0),
    one,
    Buffer.from(ModelInferRequest.encode(request([], [1, 2, 3])).finish()),
    Buffer.concat([one, unknownText, one]),
    Buffer.concat([unknownNumber, one]),
  ];
  for (const message of messages) assert.deepEqual(decodeInferRequest(message), ModelInferRequest.decode(message));
});

test('decodeInferRequest() copies no raw contents', () => {
  const message = Buffer.from(ModelInferRequest.encode(request([1_000])).finish());
  const [raw] = decodeInferRequest(message).rawInputContents;
  assert.equal(raw?.buffer, message.buffer);
});

test('decodeInferRequest() refuses wherever the generated decoder refuses a message that was cut off', () => {
  const whole = Buffer.from(ModelInferRequest.encode(request([5, 9])).finish());
  const read = (decode: (message: Buffer) => ModelInferRequest, message: Buffer): unknown => {
    try {
      return decode(message);
    } catch {
      return 'refused';
    }
  };
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.subarray(0, length);
    assert.deepEqual(
      read(decodeInferRequest, cut),
      read((message) => ModelInferRequest.decode(message), cut),
      `${length} bytes`,
    );
  }
});

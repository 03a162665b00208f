import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import type { Channel } from '@atoll/rpc/channel';
import { inferOnce, type ServingNode, startServingNode, tinyModel, tinyRequest } from './serving-node.js';

type Request = ReturnType<typeof tinyRequest>;

interface Wrong {
  readonly what: string;
  readonly request: Partial<Request>;
  readonly path: string;
  readonly body: object;
  readonly code: string;
  readonly status: number;
  readonly words: RegExp;
}

const infer = `/v2/models/${tinyModel}/infer`;
const [image] = tinyRequest().inputs;
const [input] = [{ name: 'image', datatype: 'UINT8', shape: [1, 16, 16, 3], data: Array<number>(768).fill(7) }];
const ofInput = (change: object): Pick<Wrong, 'request' | 'path' | 'body'> => {
  const { shape, ...others } = change as { shape?: number[] };
  const there = { ...image, ...others, ...(shape === undefined ? {} : { shape: shape.map(BigInt) }) };
  return { request: { inputs: [there as Request['inputs'][number]] }, path: infer, body: { ...input, ...change } };
};
const invalid = { code: 'INVALID_ARGUMENT', status: 400 };
const away = { code: 'NOT_FOUND', status: 404 };

const cases: readonly Wrong[] = [
  {
    what: 'model',
    request: { modelName: 'other' },
    path: '/v2/models/other/infer',
    body: input,
    ...away,
    words: /^cannot find model other: this node serves tiny v1$/,
  },
  {
    what: 'version',
    request: { modelVersion: '7' },
    path: `/v2/models/${tinyModel}/versions/7/infer`,
    body: input,
    ...away,
    words: /^cannot find tiny v7: this node serves tiny v1$/,
  },
  { what: 'input', ...ofInput({ name: 'photo' }), ...invalid, words: /the model has no input photo, it takes image$/ },
  { what: 'datatype', ...ofInput({ datatype: 'FP32' }), ...invalid, words: /input image is UINT8, not FP32$/ },
  {
    what: 'shape',
    ...ofInput({ shape: [1, 8, 8, 3] }),
    ...invalid,
    words: /input image has shape \[1, 16, 16, 3\], not \[1, 8, 8, 3\]$/,
  },
  {
    what: 'number of bytes',
    request: { rawInputContents: [Buffer.alloc(7)] },
    path: infer,
    body: { ...input, data: [1, 2] },
    ...invalid,
    words: /input image takes 768 (bytes, not 7|elements, not 2)$/,
  },
];

describe('a node refuses', { timeout: 60_000 }, () => {
  let node: ServingNode;
  let channel: Channel;
  before(async () => {
    node = await startServingNode();
    channel = node.connect();
  });
  after(() => node.stop());

  for (const { what, request, path, body, code, status, words } of cases) {
    test(`a wrong ${what} with ${code} and ${status}, and says what is wrong`, async () => {
      const asked = channel.client(GRPCInferenceServiceService).modelInfer({ ...tinyRequest(), ...request });
      await assert.rejects(asked, { code, message: words });
      const answer = await fetch(node.http + path, { method: 'POST', body: JSON.stringify({ inputs: [body] }) });
      const { error } = (await answer.json()) as { error: string };
      assert.equal(answer.status, status);
      assert.match(error, words);
    });
  }

  test('a message above 16 MiB before it came, and names the limit; one above 4 MiB is looked at', async () => {
    const session = connect(`http://${node.process.address}`);
    after(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    // The head of a message of 17 MiB.
    stream.write(Buffer.from([0, 0x01, 0x10, 0, 0]));
    const trailers: Record<string, unknown> = {};
    stream.on('response', (headers) => Object.assign(trailers, headers));
    stream.on('trailers', (headers) => Object.assign(trailers, headers));
    stream.resume();
    await once(stream, 'close');
    assert.equal(trailers['grpc-status'], '8');
    assert.match(decodeURIComponent(String(trailers['grpc-message'])), /16777216/);
    const large = { ...tinyRequest(), rawInputContents: [Buffer.alloc(5 * 2 ** 20)] };
    await assert.rejects(channel.client(GRPCInferenceServiceService).modelInfer(large), {
      code: 'INVALID_ARGUMENT',
      message: 'cannot infer: input image takes 768 bytes, not 5242880',
    });
    const answer = await fetch(node.http + infer, { method: 'POST', body: Buffer.alloc(5 * 2 ** 20) });
    assert.equal(answer.status, 413);
    await inferOnce(channel);
  });
});

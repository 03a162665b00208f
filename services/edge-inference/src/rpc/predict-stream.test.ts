import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { InferenceServiceService, PredictRequest, PredictResponse } from '@atoll/proto/atoll/v1/inference';
import { openChannel } from '@atoll/rpc/channel';
import { bindService } from '@atoll/rpc/handlers';
import { startServer } from '@atoll/rpc/server';
import { predictStream } from './predict-stream.js';

const request = (model: string) => ({ request: PredictRequest.fromPartial({ model }) });

/** A real server whose Predict gives the model's name back when `allowed` says so, and a client of it. */
async function serve(allowed: (model: string) => Promise<void>) {
  const one = async ({ model }: PredictRequest): Promise<PredictResponse> => {
    await allowed(model);
    return PredictResponse.fromPartial({ model });
  };
  const { predict, predictStream: stream } = InferenceServiceService;
  const service = bindService({ predict, predictStream: stream }, { predict: one, predictStream: predictStream(one) });
  const server = await startServer({ listen: '127.0.0.1:0', services: [service], log: silentLogger });
  const channel = openChannel(server.address);
  const stop = async (): Promise<void> => {
    channel.close();
    await server.stop();
  };
  return { client: channel.client(InferenceServiceService), stop };
}

const limits = { timeout: 30_000 };

test(
  'predictStream answers a caller that sends each photo only after the answer to the one before',
  limits,
  async (t) => {
    const { client, stop } = await serve(async () => undefined);
    t.after(stop);
    let answered: () => void = () => undefined;
    const oneByOne = async function* () {
      for (const model of ['a', 'b', 'c']) {
        const answer = new Promise<void>((resolve) => (answered = resolve));
        yield request(model);
        await answer;
      }
    };
    const got: string[] = [];
    for await (const { result } of client.predictStream(oneByOne(), { timeoutMs: 10_000 })) {
      if (result?.$case === 'response') got.push(result.value.model);
      answered();
    }
    assert.deepEqual(got, ['a', 'b', 'c']);
  },
);

test(
  'predictStream keeps the order, works on four photos at once at most, and an error ends no stream',
  limits,
  async (t) => {
    let begun = 0;
    let release: () => void = () => undefined;
    const fourBegun = new Promise<void>((resolve) => (release = resolve));
    const { client, stop } = await serve(async (model) => {
      if (++begun === 4) release();
      // The first is answered last of the first four, and keeps the fifth from beginning.
      if (model === '0') {
        await fourBegun;
        await setImmediate();
        assert.equal(begun, 4);
      }
      if (model === '5') throw new AtollError('INVALID_ARGUMENT', 'no photo');
    });
    t.after(stop);
    const models = Array.from({ length: 10 }, (_, index) => String(index));
    const all = async function* () {
      for (const model of models) yield request(model);
    };
    const got: string[] = [];
    for await (const { result } of client.predictStream(all(), { timeoutMs: 10_000 }))
      got.push(result?.$case === 'response' ? result.value.model : String(result?.value));
    assert.deepEqual(got, models.with(5, 'no photo'));
  },
);

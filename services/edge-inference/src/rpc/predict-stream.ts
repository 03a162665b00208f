import { toAtollError } from '@atoll/base/error';
import {
  type PredictRequest,
  type PredictResponse,
  PredictStreamRequest,
  type PredictStreamResponse,
} from '@atoll/proto/atoll/v1/inference';
import { checkFieldCount } from '@atoll/rpc/field-count';
import type { CallContext } from '@atoll/rpc/handlers';
import { inOrder } from './in-order.js';

/** The photo of a stream's message is a message within it, whose fields are counted before it is decoded. */
export function decodePhotoOfStream(message: Buffer): PredictStreamRequest {
  checkFieldCount(message, 1);
  return PredictStreamRequest.decode(message);
}

/** Photos of one stream that are judged at the same time. */
const ahead = 4;

/** atoll.v1.InferenceService/PredictStream: the answers of Predict in the order of the photos. */
export function predictStream(one: (request: PredictRequest, context: CallContext) => Promise<PredictResponse>) {
  const answer = async (message: PredictStreamRequest, context: CallContext): Promise<PredictStreamResponse> => {
    if (message.request === undefined)
      return { result: { $case: 'error', value: 'cannot judge a photo: the request is empty' } };
    try {
      return { result: { $case: 'response', value: await one(message.request, context) } };
    } catch (error) {
      return { result: { $case: 'error', value: toAtollError(error).message } };
    }
  };

  return (requests: AsyncIterable<PredictStreamRequest>, context: CallContext): AsyncGenerator<PredictStreamResponse> =>
    inOrder(requests, ahead, (message) => answer(message, context));
}

import { toAtollError } from '@atoll/base/error';
import type {
  PredictRequest,
  PredictResponse,
  PredictStreamRequest,
  PredictStreamResponse,
} from '@atoll/proto/atoll/v1/inference';
import type { CallContext } from '@atoll/rpc/handlers';

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

  return async function* (
    requests: AsyncIterable<PredictStreamRequest>,
    context: CallContext,
  ): AsyncGenerator<PredictStreamResponse> {
    const underWay: Promise<PredictStreamResponse>[] = [];
    for await (const request of requests) {
      underWay.push(answer(request, context));
      const first = underWay.length >= ahead ? underWay.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (const rest of underWay) yield await rest;
  };
}

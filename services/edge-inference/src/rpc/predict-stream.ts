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
    const incoming = requests[Symbol.asyncIterator]();
    const read = (): Promise<IteratorResult<PredictStreamRequest>> => {
      const next = incoming.next();
      // It may be left alone when the call ends.
      next.catch(() => undefined);
      return next;
    };
    let next: ReturnType<typeof read> | undefined = read();
    while (next !== undefined || underWay.length > 0) {
      const [first] = underWay;
      // An answer never waits for the next photo: the caller may send it only after the answer.
      const answered = first === undefined ? [] : [first.then(() => undefined)];
      const came = next !== undefined && underWay.length < ahead ? await Promise.race([next, ...answered]) : undefined;
      if (came === undefined) {
        if (first !== undefined) yield await first;
        void underWay.shift();
      } else if (came.done === true) {
        next = undefined;
      } else {
        underWay.push(answer(came.value, context));
        next = read();
      }
    }
  };
}

import { toAtollError } from '@atoll/base/error';
import type { ModelInferRequest, ModelStreamInferResponse } from '@atoll/proto/inference/open_inference_grpc';
import { ModelInferResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { CallContext } from '@atoll/rpc/handlers';
import { inOrder } from './in-order.js';

/** Requests of one stream that are worked on at the same time. */
const ahead = 8;

/** inference.GRPCInferenceService/ModelStreamInfer: the answers of ModelInfer in the order of the requests; an error ends no stream. */
export function modelStreamInfer(
  one: (request: ModelInferRequest, context: CallContext) => Promise<ModelInferResponse>,
) {
  const answer = async (request: ModelInferRequest, context: CallContext): Promise<ModelStreamInferResponse> => {
    try {
      return { errorMessage: '', inferResponse: await one(request, context) };
    } catch (error) {
      const inferResponse = ModelInferResponse.fromPartial({ modelName: request.modelName, id: request.id });
      return { errorMessage: toAtollError(error).message, inferResponse };
    }
  };
  return (requests: AsyncIterable<ModelInferRequest>, context: CallContext): AsyncGenerator<ModelStreamInferResponse> =>
    inOrder(requests, ahead, (request) => answer(request, context));
}

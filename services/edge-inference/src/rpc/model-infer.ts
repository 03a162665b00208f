import { schedulingOf } from '../admit/caller.js';
import type { ModelInferRequest, ModelInferResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { CallContext } from '@atoll/rpc/handlers';
import { runInfer } from '../infer/run-infer.js';
import type { Inference } from '../inference.js';
import { callerOf } from './caller.js';
import { toInferCall, toInferResponse } from './infer-messages.js';

/** inference.GRPCInferenceService/ModelInfer. */
export function modelInfer(inference: Inference) {
  return async (request: ModelInferRequest, context: CallContext): Promise<ModelInferResponse> => {
    const { priority, timeout } = request.parameters;
    const scheduling = schedulingOf(priority?.parameterChoice?.value, timeout?.parameterChoice?.value);
    return toInferResponse(request, await runInfer(inference, toInferCall(request), callerOf(context, scheduling)));
  };
}

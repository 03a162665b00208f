import type { PredictRequest, PredictResponse } from '@atoll/proto/atoll/v1/inference';
import type { CallContext } from '@atoll/rpc/handlers';
import { runPredict } from '../image/run-predict.js';
import type { Inference } from '../inference.js';
import { callerOf } from './caller.js';

/** atoll.v1.InferenceService/Predict. */
export function predict(inference: Inference) {
  return async (request: PredictRequest, context: CallContext): Promise<PredictResponse> => {
    const target = request.version === 0n ? undefined : { version: request.version };
    return runPredict(inference, request, target, callerOf(context));
  };
}

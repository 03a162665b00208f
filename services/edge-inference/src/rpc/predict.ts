import type { PredictRequest, PredictResponse } from '@atoll/proto/atoll/v1/inference';
import type { CallContext } from '@atoll/rpc/handlers';
import { classify } from '../image/classify.js';
import type { Inference } from '../inference.js';
import { callerOf } from './caller.js';

const defaultTop = 3;

/** atoll.v1.InferenceService/Predict. */
export function predict(inference: Inference) {
  return async (request: PredictRequest, context: CallContext): Promise<PredictResponse> => {
    const top = request.top === 0 ? defaultTop : request.top;
    const target = request.version === 0n ? undefined : { version: request.version };
    const { result, served, timings } = await inference.withVersion(
      request.model,
      target,
      callerOf(context),
      (leased) => classify(leased, request.image, top, context.signal),
    );
    return {
      predictions: [...result.classes],
      model: served.pkg.model,
      version: served.pkg.version,
      backend: served.info.backend,
      latencyMs: timings.latencyMs,
      queueMs: timings.queueMs,
      inferMs: result.inferMs,
    };
  };
}

import { AtollError } from '@atoll/base/error';
import type { PredictRequest, PredictResponse } from '@atoll/proto/atoll/v1/inference';
import type { CallContext } from '@atoll/rpc/handlers';
import { runPredict } from '../image/run-predict.js';
import type { Inference } from '../inference.js';
import type { VersionTarget } from '../swap/target.js';
import { targetOf } from '../swap/target.js';
import { callerOf } from './caller.js';

/** atoll.v1.InferenceService/Predict. */
export function predict(inference: Inference) {
  return async (request: PredictRequest, context: CallContext): Promise<PredictResponse> => {
    return runPredict(inference, request, targetOfPhoto(request), callerOf(context));
  };
}

function targetOfPhoto({ model, version, versionLabel }: PredictRequest): VersionTarget {
  if (versionLabel === '') return version === 0n ? undefined : { version };
  if (version === 0n) return targetOf(versionLabel);
  throw new AtollError('INVALID_ARGUMENT', `cannot judge a photo with ${model}: name a version or a label, not both`);
}

import type { ModelReadyRequest, ModelReadyResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { Readiness } from '../infer/readiness.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelReady. */
export function modelReady(readiness: Readiness) {
  return async ({ name, version }: ModelReadyRequest): Promise<ModelReadyResponse> => ({
    ready: readiness.model(name, targetOf(version)),
  });
}

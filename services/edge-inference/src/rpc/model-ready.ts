import { isAtollError } from '@atoll/base/error';
import type { ModelReadyRequest, ModelReadyResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelReady: a model that this node does not have is not ready, so that callers can wait for it. */
export function modelReady(manager: SwapManager) {
  return async ({ name, version }: ModelReadyRequest): Promise<ModelReadyResponse> => {
    try {
      manager.find(name, targetOf(version));
      return { ready: true };
    } catch (error) {
      if (isAtollError(error, 'NOT_FOUND')) return { ready: false };
      throw error;
    }
  };
}

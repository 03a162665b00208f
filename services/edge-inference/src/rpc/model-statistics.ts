import type {
  ModelStatistics as ModelStatisticsMessage,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
} from '@atoll/proto/inference/open_inference_grpc';
import type { ModelStatistics } from '../infer/model-statistics.js';
import { modelStatistics as statisticsOf } from '../infer/model-statistics.js';
import type { Total } from '../stats/totals.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelStatistics. */
export function modelStatistics(manager: SwapManager) {
  return async ({ name, version }: ModelStatisticsRequest): Promise<ModelStatisticsResponse> => ({
    modelStats: statisticsOf(manager, name, targetOf(version)).map(toMessage),
  });
}

function toMessage({ name, version, inferenceCount, totals, ...held }: ModelStatistics): ModelStatisticsMessage {
  const { success, fail, queue, input, infer, output } = totals;
  const compute = {
    computeInput: duration(input),
    computeInfer: duration(infer),
    computeOutput: duration(output),
  };
  const none = duration({ count: 0, sumMs: 0 });
  const others = { cacheHit: none, cacheMiss: none };
  return {
    name,
    version: String(version),
    lastInference: BigInt(Math.round(totals.lastInferenceMs)),
    inferenceCount: BigInt(inferenceCount),
    executionCount: BigInt(inferenceCount),
    inferenceStats: {
      success: duration(success),
      fail: duration(fail),
      queue: duration(queue),
      ...compute,
      ...others,
    },
    batchStats: inferenceCount === 0 ? [] : [{ batchSize: 1n, ...compute }],
    memoryUsage: [
      { type: held.device === 'cpu' ? 'CPU' : held.device, id: 0n, byteSize: BigInt(Math.max(0, held.memoryBytes)) },
    ],
    responseStats: {},
  };
}

function duration({ count, sumMs }: Total) {
  return { count: BigInt(count), ns: BigInt(Math.round(sumMs * 1e6)) };
}

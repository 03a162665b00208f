import type { DescribeModelsRequest, DescribeModelsResponse } from '@atoll/proto/atoll/v1/inference';
import type { SwapManager } from '../swap/manager.js';

/** atoll.v1.InferenceService/DescribeModels. */
export function describeModels(manager: SwapManager) {
  return async (_request: DescribeModelsRequest): Promise<DescribeModelsResponse> => ({
    versions: manager.versions().map(({ served, inService }) => {
      const { requests, errors, p50Ms, p99Ms, crashes } = served.stats.snapshot();
      return {
        model: served.pkg.model,
        version: served.pkg.version,
        state: served.state,
        inService,
        backend: served.info.backend,
        manifestSha256: served.pkg.manifestSha256,
        health: { requests: BigInt(requests), errors: BigInt(errors), p50Ms, p99Ms, crashes: BigInt(crashes) },
        labels: [...served.pkg.labels],
      };
    }),
  });
}

import type { DescribeModelsRequest, DescribeModelsResponse } from '@atoll/proto/atoll/v1/inference';
import type { BackendChoices } from '../backends/backend-choices.js';
import type { SwapManager } from '../swap/manager.js';
import { servedVersionMessage } from './served-version-message.js';

/** atoll.v1.InferenceService/DescribeModels: what is loaded. */
export function describeModels(manager: SwapManager, backends: Pick<BackendChoices, 'trialsOf'> | undefined) {
  return async (_request: DescribeModelsRequest): Promise<DescribeModelsResponse> => {
    const models = new Map(manager.describe().map((model) => [model.name, model]));
    return {
      versions: manager.versions().flatMap(({ served: { pkg, state } }) => {
        const same = models.get(pkg.model)?.versions.filter(({ version }) => version === pkg.version) ?? [];
        const described = same.find((one) => one.state === state) ?? same[0];
        if (described === undefined) return [];
        return [servedVersionMessage(pkg.model, described, pkg.labels, backends?.trialsOf(pkg) ?? [])];
      }),
    };
  };
}

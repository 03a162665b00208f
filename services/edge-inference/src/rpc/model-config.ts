import {
  DataType,
  ModelConfig,
  ModelInput,
  ModelInstanceGroup_Kind,
  ModelOutput,
} from '@atoll/proto/inference/model_config';
import type { ModelConfigRequest, ModelConfigResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { ModelConfigFacts, TensorConfig } from '../infer/model-config.js';
import { modelConfigOf } from '../infer/model-config.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelConfig. */
export function modelConfig(manager: SwapManager, slots: number) {
  return async ({ name, version }: ModelConfigRequest): Promise<ModelConfigResponse> => ({
    config: toMessage(modelConfigOf(manager.find(name, targetOf(version)), slots)),
  });
}

function toMessage({ name, version, inputs, outputs, instances, parameters, ...facts }: ModelConfigFacts): ModelConfig {
  return ModelConfig.fromPartial({
    ...facts,
    name,
    versionPolicy: { policyChoice: { $case: 'specific', value: { versions: [version] } } },
    input: inputs.map((tensor) => ModelInput.fromPartial(tensorMessage(tensor))),
    output: outputs.map((tensor) => ModelOutput.fromPartial(tensorMessage(tensor))),
    instanceGroup: [{ name, kind: ModelInstanceGroup_Kind[instances.kind], count: instances.count }],
    parameters: Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, { stringValue: value }])),
    modelTransactionPolicy: { decoupled: false },
  });
}

function tensorMessage({ name, dataType, dims }: TensorConfig) {
  return { name, dataType: DataType[dataType as keyof typeof DataType], dims: dims.map(BigInt) };
}

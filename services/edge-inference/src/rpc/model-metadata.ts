import type { ModelMetadataRequest, ModelMetadataResponse } from '@atoll/proto/inference/open_inference_grpc';
import { modelMetadata as metadataOf, type TensorMetadata } from '../infer/model-metadata.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelMetadata. */
export function modelMetadata(manager: SwapManager) {
  return async ({ name, version }: ModelMetadataRequest): Promise<ModelMetadataResponse> => {
    const { versions, inputs, outputs, ...metadata } = metadataOf(manager, name, targetOf(version));
    return { ...metadata, versions: [...versions], inputs: inputs.map(toMessage), outputs: outputs.map(toMessage) };
  };
}

function toMessage({ name, datatype, shape }: TensorMetadata) {
  return { name, datatype, shape: shape.map(BigInt) };
}

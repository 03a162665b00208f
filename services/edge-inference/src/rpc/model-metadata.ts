import type { ModelMetadataRequest, ModelMetadataResponse } from '@atoll/proto/inference/open_inference_grpc';
import type { TensorSpec } from '@atoll/runtime/model';
import type { SwapManager } from '../swap/manager.js';
import { datatypeOf } from '../infer/tensors.js';
import { targetOf } from '../swap/target.js';

/** inference.GRPCInferenceService/ModelMetadata. */
export function modelMetadata(manager: SwapManager) {
  return async ({ name, version }: ModelMetadataRequest): Promise<ModelMetadataResponse> => {
    const served = manager.find(name, targetOf(version));
    const versions = manager.versions().filter((other) => other.served.pkg.model === name);
    return {
      name,
      versions: versions.map((other) => String(other.served.pkg.version)),
      platform: `tflite_${served.info.backend}`,
      inputs: served.info.inputs.map(tensorMetadata),
      outputs: served.info.outputs.map(tensorMetadata),
    };
  };
}

function tensorMetadata(spec: TensorSpec) {
  return { name: spec.name, datatype: datatypeOf(spec.dtype), shape: spec.shape.map(BigInt) };
}

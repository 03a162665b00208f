/** What a node tells of its models over REST. */
import { isAtollError } from '@atoll/base/error';
import type { TensorSpec } from '@atoll/runtime/model';
import { datatypeOf } from '../infer/tensors.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';
import { jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** GET /v2/models/NAME[/versions/V] */
export function modelMetadata(manager: SwapManager): Handler {
  return async ({ route: { model, version } }) => {
    const { info } = manager.find(model, targetOf(version));
    const versions = manager.versions().filter(({ served }) => served.pkg.model === model);
    return jsonAnswer(200, {
      name: model,
      versions: versions.map(({ served }) => String(served.pkg.version)),
      platform: `tflite_${info.backend}`,
      inputs: info.inputs.map(metadataOf),
      outputs: info.outputs.map(metadataOf),
    });
  };
}

function metadataOf({ name, dtype, shape }: TensorSpec) {
  return { name, datatype: datatypeOf(dtype), shape };
}

/** GET /v2/models/NAME[/versions/V]/ready: a model that this node does not have is not ready, so that callers can wait for it. */
export function modelReady(manager: SwapManager): Handler {
  return async ({ route: { model, version } }) => {
    try {
      manager.find(model, targetOf(version));
      return jsonAnswer(200, { name: model, ready: true });
    } catch (error) {
      if (isAtollError(error, 'NOT_FOUND')) return jsonAnswer(404, { name: model, ready: false, error: error.message });
      throw error;
    }
  };
}

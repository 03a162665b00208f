import type { BlobStore } from '@atoll/artifacts/store';
import { AtollError } from '@atoll/base/error';
import type { InspectModelRequest, InspectModelResponse } from '@atoll/proto/atoll/v1/quantizer';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Inspector } from '../job/inspect-in-child.js';

/** As large as a model of a job may be. */
const maxInspectBytes = 512 * 1024 * 1024;

/** InspectModel: describes a .tflite, .h5 or .keras file. */
export function inspectModel(
  store: BlobStore,
  inspect: Inspector,
): (request: InspectModelRequest, context: CallContext) => Promise<InspectModelResponse> {
  return async ({ model }, { signal }) => {
    if (model === undefined) throw new AtollError('INVALID_ARGUMENT', 'cannot inspect a model: none is named');
    const sizeBytes = await store.size(model.sha256);
    if (sizeBytes === undefined) {
      throw new AtollError('FAILED_PRECONDITION', `cannot inspect ${model.name}: its bytes were not uploaded`);
    }
    if (sizeBytes > maxInspectBytes) {
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot inspect ${model.name}: it is larger than ${maxInspectBytes} bytes`,
      );
    }
    return inspect({ name: model.name, file: await store.path(model.sha256) }, signal);
  };
}

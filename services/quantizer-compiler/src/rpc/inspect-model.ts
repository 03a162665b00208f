import { readFile } from 'node:fs/promises';
import type { BlobStore } from '@atoll/artifacts/store';
import { AtollError } from '@atoll/base/error';
import type { InspectModelRequest, InspectModelResponse } from '@atoll/proto/atoll/v1/quantizer';
import { inspectModel as describe } from '../report/inspect.js';

/** Describing a larger file would keep the service from its other calls. */
const maxInspectBytes = 64 * 1024 * 1024;
/** The answer must fit one message; the text of a larger graph is cut here. */
const maxTextLength = 4 * 1024 * 1024;

/** InspectModel: describes a .tflite file. */
export function inspectModel(store: BlobStore): (request: InspectModelRequest) => Promise<InspectModelResponse> {
  return async ({ model }) => {
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
    const { report, text } = describe(await readFile(await store.path(model.sha256)), model.name);
    return { json: JSON.stringify(report), text: text.slice(0, maxTextLength) };
  };
}

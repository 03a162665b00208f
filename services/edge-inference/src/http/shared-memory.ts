/** Triton's shared memory over REST: no region is ever registered, because tensors come in the request itself. */
import { AtollError } from '@atoll/base/error';
import { jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** GET /v2/systemsharedmemory[/region/NAME]/status, and the same of cudasharedmemory */
export const sharedMemoryStatus: Handler = async ({ route: { model: region } }) => {
  if (region === '') return jsonAnswer(200, []);
  throw new AtollError('NOT_FOUND', `cannot find shared memory region ${region.slice(0, 100)}: this node has none`);
};

/** POST …/region/NAME/register */
export const sharedMemoryRegister: Handler = async ({ route: { model: region } }) => {
  throw new AtollError(
    'UNIMPLEMENTED',
    `cannot register shared memory region ${region.slice(0, 100)}: this node takes tensors in the request alone`,
  );
};

/** POST …[/region/NAME]/unregister: nothing is registered afterwards, as nothing was before. */
export const sharedMemoryUnregister: Handler = async () => jsonAnswer(200, {});

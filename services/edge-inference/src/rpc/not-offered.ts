/** Calls of Triton's clients that a node answers truthfully without having what they are for. */
import { AtollError } from '@atoll/base/error';

/** No region is ever registered: all of them are none, and a named one is not there. */
export async function sharedMemoryStatus({
  name,
}: {
  readonly name: string;
}): Promise<{ regions: Record<string, never> }> {
  if (name === '') return { regions: {} };
  throw new AtollError('NOT_FOUND', `cannot find shared memory region ${name.slice(0, 100)}: this node has none`);
}

/** Tensors come in the request itself. */
export async function sharedMemoryRegister({ name }: { readonly name: string }): Promise<never> {
  throw new AtollError(
    'UNIMPLEMENTED',
    `cannot register shared memory region ${name.slice(0, 100)}: this node takes tensors in the request alone`,
  );
}

/** Nothing is registered afterwards, as nothing was before. */
export async function sharedMemoryUnregister(): Promise<Record<string, never>> {
  return {};
}

/** Traces are set up where the node is started. */
export async function traceSetting(): Promise<never> {
  throw new AtollError(
    'UNIMPLEMENTED',
    'cannot tell or change trace settings: traces are set up by the environment of the node',
  );
}

/** The log is set up where the node is started. */
export async function logSettings(): Promise<never> {
  throw new AtollError(
    'UNIMPLEMENTED',
    'cannot tell or change log settings: the level of the log is ATOLL_LOG of the node',
  );
}

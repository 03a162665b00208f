/** A service whose controller comes and goes: answered by the one that leads, UNAVAILABLE while none of this process does. */
import { AtollError } from '@atoll/base/error';
import type { ServiceDefinition } from '@atoll/rpc/definition';
import type { BoundMethod, BoundService } from '@atoll/rpc/handlers';
import { maxMessageBytes } from '@atoll/rpc/limits';

/** The door. */
export interface Door {
  readonly service: BoundService;
  /** These handlers answer from now on; gives the way to end that. */
  open(inside: BoundService): () => void;
}

/** A door behind which nobody is yet. */
export function createDoor(definition: ServiceDefinition): Door {
  let answering: ReadonlyMap<string, BoundMethod> = new Map();
  const knock = (path: string): BoundMethod => {
    const method = answering.get(path);
    if (method !== undefined) return method;
    throw new AtollError('UNAVAILABLE', 'cannot answer: this controller stands by, another one leads');
  };
  const methods = Object.values(definition).map((method): BoundMethod => ({
    method,
    handle: (input, context) => knock(method.path).handle(input, context),
    mostRequestBytes: maxMessageBytes,
    requestsRecycled: false,
  }));
  return {
    service: { definition, methods },
    open: (inside) => {
      answering = new Map(inside.methods.map((bound) => [bound.method.path, bound]));
      return () => {
        answering = new Map();
      };
    },
  };
}

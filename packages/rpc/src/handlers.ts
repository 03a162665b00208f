/*
 * Promise and AsyncIterable handlers of a generated service. A handler throws AtollError, which the server turns into a status
 * once. A call that ends early (cancel, deadline, lost peer) aborts the handler's signal.
 */
import type { Call, MethodDefinition, ServiceDefinition } from './definition.js';
import { maxMessageBytes, maxShortRequestBytes } from './limits.js';

/** What came with a call beside its messages. */
export interface CallMetadata {
  /** The values of a name in the order in which they came; none where it did not come. */
  get(name: string): readonly string[];
}

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborted when the caller went away, cancelled, or its deadline passed. */
  readonly signal: AbortSignal;
  readonly metadata: CallMetadata;
  readonly peer: string;
  /** The name of the token or certificate that the call came with; undefined without one. */
  readonly identity: string | undefined;
  /** When the caller stops waiting, milliseconds since the Unix epoch; Infinity without a deadline. */
  readonly deadlineMs: number;
}

/** The handlers of a service, typed by its generated definition. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D]: Call<D[K], CallContext> };

/** A method with its handler: takes a message or, where requests stream, an AsyncIterable of them; gives a promise or an AsyncIterable. */
export interface BoundMethod {
  readonly method: MethodDefinition;
  readonly handle: (input: unknown, context: CallContext) => unknown;
  /** Of one message of a request. */
  readonly mostRequestBytes: number;
  /** See BindOptions. */
  readonly requestsRecycled: boolean;
}

/** How the methods of a service are served. */
export interface BindOptions<Name extends string = string> {
  /**
   * The methods whose requests may be as long as any message; those of the others are short then: decoding holds up everybody,
   * and names and numbers take little. Default: all.
   */
  readonly longRequests?: readonly Name[];
  /**
   * The memory of a request is used again as soon as its call has been answered well, so no part of it is read after that.
   * Without it a request lasts as long as whoever holds it. Only for methods with one request and one answer.
   */
  readonly recycleRequests?: boolean;
}

/** A service with its handlers, ready to be given to startServer. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  readonly methods: readonly BoundMethod[];
}

/** Binds handlers to a generated definition. */
export function bindService<D extends ServiceDefinition>(
  definition: D,
  handlers: Handlers<D>,
  { recycleRequests = false, longRequests }: BindOptions<keyof D & string> = {},
): BoundService {
  const long: readonly string[] = longRequests ?? Object.keys(definition);
  return {
    definition,
    methods: Object.entries(definition).map(([name, method]) => ({
      method,
      handle: handlers[name] as BoundMethod['handle'],
      mostRequestBytes: long.includes(name) ? maxMessageBytes : maxShortRequestBytes,
      requestsRecycled: recycleRequests && !method.requestStream && !method.responseStream,
    })),
  };
}

/**
 * Promise and AsyncIterable handlers over grpc-js's callbacks. A handler throws AtollError; the adapters turn it into a
 * status once, here. A call that ends early (cancel, deadline, lost peer) aborts the handler's signal.
 */
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerDuplexStream,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from '@atoll/base/log';
import type { Authorize } from './authorize.js';
import type { Call, MethodDefinition, ServiceDefinition } from './definition.js';
import { toStatus } from './status.js';
import { writeAll } from './writing.js';

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborted when the caller went away, cancelled, or its deadline passed. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  readonly peer: string;
  /** The name of the token or certificate that the call came with; undefined without one. */
  readonly identity: string | undefined;
  /** When the caller stops waiting, milliseconds since the Unix epoch; Infinity without a deadline. */
  readonly deadlineMs: number;
}

/** The handlers of a service, typed by its generated definition. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D]: Call<D[K], CallContext> };

/** A service with its handlers, ready to be given to startServer. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  /** `authorize` is asked before each call; without it everybody may call. */
  readonly bind: (log: Logger, authorize?: Authorize) => UntypedServiceImplementation;
}

/** Binds handlers to a generated definition. */
export function bindService<D extends ServiceDefinition>(definition: D, handlers: Handlers<D>): BoundService {
  return {
    definition,
    bind: (log, authorize) =>
      Object.fromEntries(
        Object.entries(definition).map(([name, method]) => [
          name,
          adapt(method, handlers[name] as Untyped, { log, authorize }),
        ]),
      ),
  };
}

type Untyped = (input: unknown, context: CallContext) => unknown;
type AnyHandler = UntypedServiceImplementation[string];

interface Border {
  readonly log: Logger;
  readonly authorize: Authorize | undefined;
}

function adapt(method: MethodDefinition, handler: Untyped, border: Border): AnyHandler {
  if (method.requestStream) {
    return method.responseStream ? bidiStreaming(method, handler, border) : collecting(method, handler, border);
  }
  return method.responseStream ? serverStreaming(method, handler, border) : unary(method, handler, border);
}

function unary(method: MethodDefinition, handler: Untyped, border: Border): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    settle(async () => handler(call.request, contextOf(call, method, border))).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(toStatus(method.path, thrown, border.log)),
    );
  };
}

function collecting(
  method: MethodDefinition,
  handler: Untyped,
  border: Border,
): handleClientStreamingCall<unknown, unknown> {
  return (call, callback) => {
    settle(async () => handler(call, contextOf(call, method, border))).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(toStatus(method.path, thrown, border.log)),
    );
  };
}

function serverStreaming(
  method: MethodDefinition,
  handler: Untyped,
  border: Border,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    answer(method, call, (context) => handler(call.request, context), border);
  };
}

function bidiStreaming(
  method: MethodDefinition,
  handler: Untyped,
  border: Border,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    // Reading to the end must leave the stream open: the answers go out on it.
    const requests = (): unknown => call.iterator({ destroyOnReturn: false });
    answer(method, call, (context) => handler(requests(), context), border);
  };
}

function answer(
  method: MethodDefinition,
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  items: (context: CallContext) => unknown,
  border: Border,
): void {
  settle(async () => {
    const context = contextOf(call, method, border);
    await writeAll(items(context) as AsyncIterable<unknown>, call, context.signal);
  }).then(
    () => call.end(),
    (thrown: unknown) => {
      if (!call.cancelled) call.emit('error', toStatus(method.path, thrown, border.log));
    },
  );
}

/** Turns a synchronous throw into a rejection. */
async function settle<T>(task: () => Promise<T>): Promise<T> {
  return task();
}

interface AnyCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): number | Date;
  on(event: 'cancelled', listener: () => void): unknown;
}

function contextOf(call: AnyCall, { path }: MethodDefinition, { authorize }: Border): CallContext {
  const peer = call.getPeer();
  const identity = authorize?.({ path, peer, authorization: call.metadata.get('authorization')[0]?.toString() });
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  const deadline = call.getDeadline();
  return {
    signal: controller.signal,
    metadata: call.metadata,
    peer,
    identity,
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
  };
}

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
import type { Call, MethodDefinition, ServiceDefinition } from './definition.js';
import { toStatus } from './status.js';
import { writeAll } from './writing.js';

/** What a handler knows of its call. */
export interface CallContext {
  /** Aborted when the caller went away, cancelled, or its deadline passed. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  readonly peer: string;
  /** When the caller stops waiting, milliseconds since the Unix epoch; Infinity without a deadline. */
  readonly deadlineMs: number;
}

/** The handlers of a service, typed by its generated definition. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D]: Call<D[K], CallContext> };

/** A service with its handlers, ready to be given to startServer. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  readonly bind: (log: Logger) => UntypedServiceImplementation;
}

/** Binds handlers to a generated definition. */
export function bindService<D extends ServiceDefinition>(definition: D, handlers: Handlers<D>): BoundService {
  return {
    definition,
    bind: (log) =>
      Object.fromEntries(
        Object.entries(definition).map(([name, method]) => [name, adapt(method, handlers[name] as Untyped, log)]),
      ),
  };
}

type Untyped = (input: unknown, context: CallContext) => unknown;
type AnyHandler = UntypedServiceImplementation[string];

function adapt(method: MethodDefinition, handler: Untyped, log: Logger): AnyHandler {
  if (method.requestStream) {
    return method.responseStream ? bidiStreaming(method, handler, log) : collecting(method, handler, log);
  }
  return method.responseStream ? serverStreaming(method, handler, log) : unary(method, handler, log);
}

function unary(method: MethodDefinition, handler: Untyped, log: Logger): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const context = contextOf(call);
    settle(async () => handler(call.request, context)).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(toStatus(method.path, thrown, log)),
    );
  };
}

function collecting(
  method: MethodDefinition,
  handler: Untyped,
  log: Logger,
): handleClientStreamingCall<unknown, unknown> {
  return (call, callback) => {
    const context = contextOf(call);
    settle(async () => handler(call, context)).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(toStatus(method.path, thrown, log)),
    );
  };
}

function serverStreaming(
  method: MethodDefinition,
  handler: Untyped,
  log: Logger,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const context = contextOf(call);
    answer(method, call, () => handler(call.request, context), context, log);
  };
}

function bidiStreaming(
  method: MethodDefinition,
  handler: Untyped,
  log: Logger,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    const context = contextOf(call);
    // Reading to the end must leave the stream open: the answers go out on it.
    const requests = (): unknown => call.iterator({ destroyOnReturn: false });
    answer(method, call, () => handler(requests(), context), context, log);
  };
}

function answer(
  method: MethodDefinition,
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  items: () => unknown,
  context: CallContext,
  log: Logger,
): void {
  settle(async () => writeAll(items() as AsyncIterable<unknown>, call, context.signal)).then(
    () => call.end(),
    (thrown: unknown) => {
      if (!call.cancelled) call.emit('error', toStatus(method.path, thrown, log));
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

function contextOf(call: AnyCall): CallContext {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  const deadline = call.getDeadline();
  return {
    signal: controller.signal,
    metadata: call.metadata,
    peer: call.getPeer(),
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
  };
}

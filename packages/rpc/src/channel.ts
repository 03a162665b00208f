/** The client side: one channel an address, any number of typed clients on it, promises and AsyncIterables out. */
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { AtollError, reasonOf } from '@atoll/base/error';
import type { Call, MethodDefinition, ServiceDefinition } from './definition.js';
import { keepalive, maxMessageBytes } from './limits.js';
import { fromServiceError } from './status.js';
import { writeAll } from './writing.js';

/** How long and how cancellable a call is. */
export interface CallLimits {
  readonly signal?: AbortSignal;
  /** Without it a unary call waits 30 s and a stream as long as it lives. */
  readonly timeoutMs?: number;
  /** Sent along, such as traceparent; names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A typed client of a generated service definition. */
export type RpcClient<D extends ServiceDefinition> = { readonly [K in keyof D]: ClientCall<Call<D[K], CallLimits>> };

type ClientCall<C> = C extends (input: infer I, context: CallLimits) => infer O
  ? (input: I, limits?: CallLimits) => O
  : never;

/** A connection to one address. */
export interface Channel {
  readonly address: string;
  client<D extends ServiceDefinition>(definition: D): RpcClient<D>;
  /** Waits until the peer answers; UNAVAILABLE when it does not within `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  close(): void;
}

/** How a channel shows who it is, and knows whom it talks to. */
export interface ChannelSecurity {
  /** PEM of the authorities whose servers are trusted; setting it, or `cert` with `key`, makes the channel TLS. */
  readonly ca?: Buffer;
  /** PEM of the client's own certificate, for servers that ask for one. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Sent with each call as `authorization: Bearer`. */
  readonly token?: string;
}

/** Opens a channel to host:port or unix:PATH; it connects at the first call and reconnects by itself. */
export function openChannel(address: string, security: ChannelSecurity = {}): Channel {
  const client = new Client(address, credentialsOf(address, security), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.enable_http_proxy': 0, // no proxy from the environment
    'grpc.keepalive_time_ms': keepalive.everyMs,
    'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });
  return {
    address,
    client: (definition) =>
      Object.fromEntries(
        Object.entries(definition).map(([name, method]) => [
          name,
          callerOf(client, address, method, metadataOf(security)),
        ]),
      ) as never,
    ready: (timeoutMs) =>
      new Promise((resolve, reject) => {
        client.waitForReady(Date.now() + timeoutMs, (error) => {
          if (error === undefined || error === null) return resolve();
          reject(
            new AtollError('UNAVAILABLE', `cannot reach ${address}: no answer within ${timeoutMs} ms`, {
              cause: error,
            }),
          );
        });
      }),
    close: () => client.close(),
  };
}

type Untyped = (input: never, limits?: CallLimits) => unknown;

function credentialsOf(address: string, { ca, cert, key }: ChannelSecurity): ChannelCredentials {
  if (ca === undefined && cert === undefined) return credentials.createInsecure();
  try {
    return credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot talk TLS to ${address}: ${reasonOf(error)}`, { cause: error });
  }
}

function metadataOf({ token }: ChannelSecurity): (limits: CallLimits) => Metadata {
  return (limits) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(limits.metadata ?? {})) metadata.set(name, value);
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  };
}

function callerOf(
  client: Client,
  address: string,
  method: MethodDefinition,
  metadata: (limits: CallLimits) => Metadata,
): Untyped {
  const serialize = method.requestSerialize as (value: unknown) => Buffer;
  const deserialize = method.responseDeserialize;
  if (!method.requestStream && !method.responseStream) {
    return (request: unknown, limits: CallLimits = {}) =>
      new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          method.path,
          serialize,
          deserialize,
          request,
          metadata(limits),
          optionsOf(limits, 30_000),
          (error, response) => {
            release();
            if (error === null) resolve(response);
            else reject(fromServiceError(error, address));
          },
        );
        const release = cancelOn(limits.signal, call);
      });
  }
  if (!method.responseStream) {
    return (requests: AsyncIterable<unknown>, limits: CallLimits = {}) =>
      new Promise((resolve, reject) => {
        const ended = new AbortController();
        const call = client.makeClientStreamRequest(
          method.path,
          serialize,
          deserialize,
          metadata(limits),
          optionsOf(limits),
          (error, response) => {
            release();
            ended.abort();
            if (error === null) resolve(response);
            else reject(fromServiceError(error, address));
          },
        );
        const release = cancelOn(limits.signal, call);
        writeAll(requests, call, ended.signal).then(
          () => call.end(),
          (error: unknown) => {
            call.cancel();
            if (!ended.signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
  }
  if (!method.requestStream) {
    return (request: unknown, limits: CallLimits = {}) => {
      const call = client.makeServerStreamRequest(
        method.path,
        serialize,
        deserialize,
        request,
        metadata(limits),
        optionsOf(limits),
      );
      return reading(call, cancelOn(limits.signal, call), address);
    };
  }
  return (requests: AsyncIterable<unknown>, limits: CallLimits = {}) => {
    const call = client.makeBidiStreamRequest(method.path, serialize, deserialize, metadata(limits), optionsOf(limits));
    const ended = new AbortController();
    call.on('close', () => ended.abort());
    writeAll(requests, call, ended.signal).then(
      () => call.end(),
      (error: unknown) => {
        if (!ended.signal.aborted) call.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    );
    return reading(call, cancelOn(limits.signal, call), address);
  };
}

interface ReadableCall extends AsyncIterable<unknown> {
  cancel(): void;
}

/** Yields what comes; leaving the loop early cancels the call. */
async function* reading(call: ReadableCall, release: () => void, address: string): AsyncGenerator<unknown> {
  let whole = false;
  try {
    yield* call;
    whole = true;
  } catch (error) {
    whole = true;
    throw isServiceError(error) ? fromServiceError(error, address) : error;
  } finally {
    release();
    if (!whole) call.cancel();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'details' in error && 'code' in error && typeof error.code === 'number';
}

function optionsOf(limits: CallLimits, fallbackMs?: number): CallOptions {
  const timeoutMs = limits.timeoutMs ?? fallbackMs;
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): () => void {
  if (signal === undefined) return () => undefined;
  const cancel = (): void => call.cancel();
  if (signal.aborted) queueMicrotask(cancel);
  else signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}

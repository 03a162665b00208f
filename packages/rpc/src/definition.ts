/** The shape that generated service definitions have; client and server types are derived from it, not written twice. */

/** One method of a generated definition. */
export interface MethodDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** A generated service definition: methods by name. */
export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>;

/** What a method takes. */
export type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer Q } ? Q : never;

/** What a method gives. */
export type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;

/** The four kinds of call, by what M streams; C is the last argument of each. */
export type Call<M, C> = M extends { requestStream: false; responseStream: false }
  ? (request: RequestOf<M>, context: C) => Promise<ResponseOf<M>>
  : M extends { requestStream: false; responseStream: true }
    ? (request: RequestOf<M>, context: C) => AsyncIterable<ResponseOf<M>>
    : M extends { requestStream: true; responseStream: false }
      ? (requests: AsyncIterable<RequestOf<M>>, context: C) => Promise<ResponseOf<M>>
      : (requests: AsyncIterable<RequestOf<M>>, context: C) => AsyncIterable<ResponseOf<M>>;

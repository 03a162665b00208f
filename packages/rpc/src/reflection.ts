/*
 * grpc.reflection, v1 and v1alpha: tells whoever has nothing but an address what is served and how it is called. The contract is
 * read at the first question, so that a server which nobody asks pays nothing.
 */
import { statusOf } from './status.js';
import type { ServerReflectionRequest, ServerReflectionResponse } from '@atoll/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService } from '@atoll/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService as ServerReflectionAlphaService } from '@atoll/proto/grpc/reflection/v1alpha/reflection';
import type { Descriptors } from './descriptors.js';
import type { BoundService } from './handlers.js';
import { bindService } from './handlers.js';

/** Both versions, for a server that serves `services` beside them. */
export function reflection(services: readonly BoundService[]): readonly BoundService[] {
  let read: Descriptors | undefined;
  const handlers = {
    async *serverReflectionInfo(
      requests: AsyncIterable<ServerReflectionRequest>,
    ): AsyncGenerator<ServerReflectionResponse> {
      for await (const request of requests) {
        read ??= (await import('./descriptors.js')).readDescriptors();
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request, read, names) };
      }
    },
  };
  const short = { longRequests: [] };
  const own = [
    bindService(ServerReflectionService, handlers, short),
    bindService(ServerReflectionAlphaService, handlers, short),
  ];
  const names = [...services, ...own].flatMap(serviceName).toSorted();
  return own;
}

/** A method's path is /SERVICE/METHOD. */
function serviceName({ definition }: BoundService): readonly string[] {
  const [method] = Object.values(definition);
  return method === undefined ? [] : [method.path.split('/')[1] ?? ''];
}

function answer(
  { messageRequest: asked }: ServerReflectionRequest,
  descriptors: Descriptors,
  services: readonly string[],
): ServerReflectionResponse['messageResponse'] {
  switch (asked?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(descriptors.byName(asked.value), `there is no file ${asked.value.slice(0, 100)}`);
    case 'fileContainingSymbol':
      return files(descriptors.bySymbol(asked.value), `no file declares ${asked.value.slice(0, 100)}`);
    case 'allExtensionNumbersOfType':
      if (descriptors.bySymbol(asked.value) === undefined)
        return refusal('NOT_FOUND', `no file declares ${asked.value.slice(0, 100)}`);
      return {
        $case: 'allExtensionNumbersResponse',
        value: { baseTypeName: asked.value, extensionNumber: [] },
      };
    case 'fileContainingExtension':
      return refusal('NOT_FOUND', 'the contract has no extensions');
    case undefined:
      return refusal('INVALID_ARGUMENT', 'the request asks nothing');
  }
}

function files(found: readonly Buffer[] | undefined, why: string): ServerReflectionResponse['messageResponse'] {
  if (found === undefined) return refusal('NOT_FOUND', why);
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...found] } };
}

function refusal(code: 'NOT_FOUND' | 'INVALID_ARGUMENT', why: string): ServerReflectionResponse['messageResponse'] {
  return { $case: 'errorResponse', value: { errorCode: statusOf(code), errorMessage: `cannot answer: ${why}` } };
}

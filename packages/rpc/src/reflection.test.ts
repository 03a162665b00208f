import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { silentLogger } from '@atoll/base/log';
import { BlobServiceService } from '@atoll/proto/atoll/v1/blob';
import type { ServerReflectionRequest } from '@atoll/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService } from '@atoll/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService as ServerReflectionAlphaService } from '@atoll/proto/grpc/reflection/v1alpha/reflection';
import { openChannel } from './channel.js';
import { bindService } from './handlers.js';
import { startServer } from './server.js';

type Question = ServerReflectionRequest['messageRequest'];

const refuse = async (): Promise<never> => {
  throw new Error('not in this test');
};

for (const [name, service] of [
  ['v1', ServerReflectionService],
  ['v1alpha', ServerReflectionAlphaService],
] as const) {
  test(`reflection ${name}: what is served, the files that declare it, and why there is none`, async (t) => {
    // oxlint-disable-next-line require-yield
    const none = async function* (): AsyncGenerator<never> {
      await refuse();
    };
    const blobs = bindService(BlobServiceService, { findMissing: refuse, put: refuse, get: none });
    const server = await startServer({ listen: '127.0.0.1:0', services: [blobs], log: silentLogger });
    const channel = openChannel(server.address);
    t.after(async () => {
      channel.close();
      await server.stop();
    });
    const ask = async (...questions: readonly Question[]) => {
      const requests = async function* (): AsyncGenerator<ServerReflectionRequest> {
        for (const messageRequest of questions) yield { host: 'here', messageRequest };
      };
      const answers = [];
      for await (const answer of channel.client(service).serverReflectionInfo(requests())) answers.push(answer);
      return answers;
    };
    const [services, bySymbol, byName, unknown, empty] = await ask(
      { $case: 'listServices', value: '' },
      { $case: 'fileContainingSymbol', value: 'inference.ModelInferRequest.InferInputTensor' },
      { $case: 'fileByFilename', value: 'inference/model_config.proto' },
      { $case: 'fileContainingSymbol', value: 'atoll.v1.Nothing' },
      undefined,
    );
    assert.deepEqual(services?.messageResponse?.value, {
      service: [
        'atoll.v1.BlobService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ].map((served) => ({ name: served })),
    });
    const filesOf = (answer: typeof bySymbol) =>
      answer?.messageResponse?.$case === 'fileDescriptorResponse'
        ? answer.messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
        : [];
    assert.deepEqual(
      filesOf(bySymbol).map((file) => file.name),
      ['inference/open_inference_grpc.proto', 'inference/model_config.proto'],
    );
    // A map is one only by this name of its entries.
    const request = filesOf(bySymbol)[0]?.messageType.find((message) => message.name === 'ModelInferRequest');
    assert.deepEqual(
      request?.nestedType.filter(({ options }) => options?.mapEntry).map((entry) => entry.name),
      ['ParametersEntry'],
    );
    assert.deepEqual(
      filesOf(byName).map((file) => file.name),
      ['inference/model_config.proto'],
    );
    assert.deepEqual(unknown?.messageResponse, {
      $case: 'errorResponse',
      value: { errorCode: 5, errorMessage: 'cannot answer: no file declares atoll.v1.Nothing' },
    });
    assert.equal(empty?.messageResponse?.$case, 'errorResponse');
    assert.equal(empty?.validHost, 'here');
  });
}

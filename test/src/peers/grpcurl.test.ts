import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { grpcurl } from './grpcurl.js';
import type { ServingNode } from './serving-node.js';
import { startServingNode } from './serving-node.js';

const runFile = promisify(execFile);
const found = await grpcurl(process.env);

describe('grpcurl against a node, by reflection alone', { skip: 'skip' in found && found.skip }, () => {
  let node: ServingNode;
  before(async () => {
    node = await startServingNode();
  });
  after(() => node.stop());

  const run = async (...args: readonly string[]): Promise<string> => {
    const program = 'program' in found ? found.program : '';
    return (await runFile(program, ['-plaintext', '-max-time', '20', ...args], { timeout: 60_000 })).stdout;
  };
  const call = async (method: string, request: object): Promise<unknown> =>
    JSON.parse(await run('-d', JSON.stringify(request), node.grpc, method)) as unknown;

  test('it lists the services and describes the calls', async () => {
    const services = (await run(node.grpc, 'list')).trim().split('\n');
    for (const service of [
      'atoll.v1.InferenceService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'inference.GRPCInferenceService',
    ]) {
      assert.ok(services.includes(service), `${service} is not in ${services.join(', ')}`);
    }
    const methods = (await run(node.grpc, 'list', 'inference.GRPCInferenceService')).trim().split('\n');
    assert.equal(methods.length, 20);
    const described = await run(node.grpc, 'describe', 'inference.GRPCInferenceService.ModelStreamInfer');
    assert.match(described, /rpc ModelStreamInfer \( stream \.inference\.ModelInferRequest \) returns \( stream/);
    assert.match(await run(node.grpc, 'describe', 'inference.ModelConfig'), /string backend = 17;/);
  });

  test('it calls ServerLive, ModelInfer and the health of a model', async () => {
    assert.deepEqual(await call('inference.GRPCInferenceService/ServerLive', {}), { live: true });
    const input = await readFile(node.inputPath);
    const image = { name: 'image', datatype: 'UINT8', shape: [1, 16, 16, 3], contents: { uintContents: [...input] } };
    const typed = await call('inference.GRPCInferenceService/ModelInfer', { modelName: 'tiny', inputs: [image] });
    const [output] = (typed as { outputs: { contents: { uintContents: number[] } }[] }).outputs;
    assert.deepEqual(output?.contents.uintContents, node.expected);
    for (const service of ['', 'tiny', 'tiny/2']) {
      assert.deepEqual(await call('grpc.health.v1.Health/Check', { service }), { status: 'SERVING' }, service);
    }
    await assert.rejects(call('grpc.health.v1.Health/Check', { service: 'tiny/1' }), /NotFound/);
  });
});

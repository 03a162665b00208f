import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { AtollError } from '@atoll/base/error';
import { GRPCInferenceServiceService, type ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { openChannel } from '@atoll/rpc/channel';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import type { RunningServer } from './bench-server.js';
import type { LoadClient } from './load.js';
import { percentile } from './percentiles.js';
import type { ServedModel } from './served-models.js';

/** Loops in this process, of Atoll's own gRPC client or of Node's HTTP; slower than perf_analyzer, so that a server gets less load. */
export const nodeLoad: LoadClient = {
  name: 'loop of Node clients',
  async run(server, model, { protocol, concurrency, seconds }, signal) {
    const infer = await inferRequest(model);
    const asker = protocol === 'grpc' ? grpcAsker(server, infer, signal) : restAsker(server, infer, signal);
    try {
      const times: number[] = [];
      const endMs = performance.now() + seconds * 1000;
      const cpuBefore = process.cpuUsage();
      const loop = async (): Promise<void> => {
        while (performance.now() < endMs) {
          const began = performance.now();
          await asker.ask();
          times.push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, loop));
      const cpu = process.cpuUsage(cpuBefore);
      return {
        requestsPerSecond: times.length / seconds,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
        clientCpuMs: (cpu.user + cpu.system) / 1000 / times.length,
      };
    } finally {
      asker.close();
    }
  },
};

interface Asker {
  ask(): Promise<unknown>;
  close(): void;
}

function grpcAsker({ address }: RunningServer, request: ModelInferRequest, signal: AbortSignal): Asker {
  const channel = openChannel(address);
  const client = channel.client(GRPCInferenceServiceService);
  return { ask: () => client.modelInfer(request, { signal }), close: () => channel.close() };
}

/** A connection a request under way, kept open. */
function restAsker({ http = '' }: RunningServer, infer: ModelInferRequest, signal: AbortSignal): Asker {
  const agent = new Agent({ keepAlive: true });
  const { path, headers, body } = restRequest(infer);
  const options = { method: 'POST', agent, headers, signal };
  return {
    async ask() {
      const sent = request(`http://${http}${path}`, options);
      sent.end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      if (response.statusCode === 200) return;
      const words = Buffer.concat(chunks).toString('utf8').slice(0, 200);
      throw new AtollError('UNAVAILABLE', `cannot infer at ${http}: ${response.statusCode} ${words}`);
    },
    close: () => agent.destroy(),
  };
}

/** The same request for REST: raw bytes both ways by the extension for binary data. */
function restRequest({ modelName, inputs, rawInputContents }: ModelInferRequest) {
  const head = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape }, i) => ({
        name,
        datatype,
        shape: shape.map(Number),
        parameters: { binary_data_size: rawInputContents[i]?.byteLength ?? 0 },
      })),
      parameters: { binary_data_output: true },
    }),
  );
  const body = Buffer.concat([head, ...rawInputContents]);
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': body.byteLength,
    'inference-header-content-length': head.byteLength,
  };
  return { path: `/v2/models/${modelName}/infer`, headers, body };
}

/** A request with raw bytes for the first input of a uint8 model. */
export async function inferRequest({ name, path }: ServedModel): Promise<ModelInferRequest> {
  const { inputs, tensors } = mainSubgraph(readModel(await readFile(path), path));
  const input = tensors[inputs[0] ?? -1];
  const shape = input?.shape ?? [];
  const bytes = Buffer.alloc(shape.reduce((product, size) => product * size, 1)).map((_, i) => (i * 7919) % 256);
  return {
    modelName: name,
    modelVersion: '',
    id: '',
    parameters: {},
    inputs: [
      { name: input?.name ?? '', datatype: 'UINT8', shape: shape.map(BigInt), parameters: {}, contents: undefined },
    ],
    outputs: [],
    rawInputContents: [Buffer.from(bytes)],
  };
}

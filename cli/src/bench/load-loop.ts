import { readFile } from 'node:fs/promises';
import { GRPCInferenceServiceService, type ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { openChannel } from '@atoll/rpc/channel';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import type { LoadClient } from './load.js';
import { percentile } from './percentiles.js';
import type { ServedModel } from './served-models.js';

/** Loops of Atoll's own gRPC client in this process; slower than perf_analyzer, so that a server gets less load. */
export const nodeLoad: LoadClient = {
  name: 'loop of Node clients',
  async run(server, model, concurrency, seconds, signal) {
    const request = await inferRequest(model);
    const channel = openChannel(server.address);
    try {
      const client = channel.client(GRPCInferenceServiceService);
      const times: number[] = [];
      const endMs = performance.now() + seconds * 1000;
      const cpuBefore = process.cpuUsage();
      const loop = async (): Promise<void> => {
        while (performance.now() < endMs) {
          const began = performance.now();
          await client.modelInfer(request, { signal });
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
      channel.close();
    }
  },
};

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

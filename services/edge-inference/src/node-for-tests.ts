/** A node in this process with a client of each of its services, and the requests that tests send to the tiny models. */
import { systemClock } from '@atoll/base/clock';
import { silentLogger } from '@atoll/base/log';
import { InferenceServiceService } from '@atoll/proto/atoll/v1/inference';
import type { ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import type { RpcClient } from '@atoll/rpc/channel';
import { openChannel } from '@atoll/rpc/channel';
import type { EdgeInferenceConfig } from './config.js';
import { pictureSize, pixels, testConfig } from './packages-for-tests.js';
import type { RunningEdgeInference } from './service.js';
import { startEdgeInference } from './service.js';

/** See the head of the file. */
export interface NodeUnderTest {
  readonly running: RunningEdgeInference;
  readonly own: RpcClient<typeof InferenceServiceService>;
  readonly open: RpcClient<typeof GRPCInferenceServiceService>;
  stop(): Promise<void>;
}

/** Starts one. */
export async function nodeUnderTest(change: Partial<EdgeInferenceConfig> = {}): Promise<NodeUnderTest> {
  const running = await startEdgeInference({ ...testConfig, ...change }, { log: silentLogger, clock: systemClock });
  const channel = openChannel(running.address);
  return {
    running,
    own: channel.client(InferenceServiceService),
    open: channel.client(GRPCInferenceServiceService),
    async stop() {
      channel.close();
      await running.stop();
    },
  };
}

/** pixels(seed) for a tiny model, as raw contents. */
export function inferRequest(seed: number, change: Partial<ModelInferRequest> = {}): ModelInferRequest {
  const shape = [1n, BigInt(pictureSize), BigInt(pictureSize), 3n];
  return {
    modelName: 'tiny',
    modelVersion: '',
    id: '',
    parameters: {},
    inputs: [{ name: 'image', datatype: 'UINT8', shape, parameters: {}, contents: undefined }],
    outputs: [],
    rawInputContents: [Buffer.from(pixels(seed))],
    ...change,
  };
}

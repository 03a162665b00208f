import { GRPCInferenceServiceService } from '@atoll/proto/inference/open_inference_grpc';
import type { BoundService, Handlers } from '@atoll/rpc/handlers';
import { bindService } from '@atoll/rpc/handlers';
import type { Readiness } from '../infer/readiness.js';
import type { Inference } from '../inference.js';
import type { Repository } from '../models/repository/repository.js';
import type { SwapManager } from '../swap/manager.js';
import { decodeInferRequest } from './decode-infer-request.js';
import { modelConfig } from './model-config.js';
import { modelInfer } from './model-infer.js';
import { modelMetadata } from './model-metadata.js';
import { modelReady } from './model-ready.js';
import { modelStatistics } from './model-statistics.js';
import { modelStreamInfer } from './model-stream-infer.js';
import {
  logSettings,
  sharedMemoryRegister,
  sharedMemoryStatus,
  sharedMemoryUnregister,
  traceSetting,
} from './not-offered.js';
import { repositoryIndex, repositoryModelLoad, repositoryModelUnload } from './repository.js';
import { serverLive, serverMetadata, serverReady } from './server-status.js';

const { modelInfer: unary, modelStreamInfer: stream, ...others } = GRPCInferenceServiceService;
/** The generated service, but for the decoder of tensors. */
const definition = {
  ...others,
  modelInfer: { ...unary, requestDeserialize: decodeInferRequest },
  modelStreamInfer: { ...stream, requestDeserialize: decodeInferRequest },
};

/** What the service answers from. */
export interface OpenInferenceDeps {
  readonly inference: Inference;
  readonly manager: SwapManager;
  readonly repository: Repository;
  readonly readiness: Readiness;
  /** Copies of each model that run side by side. */
  readonly slots: number;
}

/** inference.GRPCInferenceService, whole. */
export function openInference({ inference, manager, repository, readiness, slots }: OpenInferenceDeps): BoundService {
  const one = modelInfer(inference);
  const handlers: Handlers<typeof definition> = {
    serverLive,
    serverReady: serverReady(readiness),
    serverMetadata,
    modelReady: modelReady(readiness),
    modelMetadata: modelMetadata(manager),
    modelConfig: modelConfig(manager, slots),
    modelStatistics: modelStatistics(manager),
    modelInfer: one,
    modelStreamInfer: modelStreamInfer(one),
    repositoryIndex: repositoryIndex(repository),
    repositoryModelLoad: repositoryModelLoad(repository),
    repositoryModelUnload: repositoryModelUnload(repository),
    systemSharedMemoryStatus: sharedMemoryStatus,
    systemSharedMemoryRegister: sharedMemoryRegister,
    systemSharedMemoryUnregister: sharedMemoryUnregister,
    cudaSharedMemoryStatus: sharedMemoryStatus,
    cudaSharedMemoryRegister: sharedMemoryRegister,
    cudaSharedMemoryUnregister: sharedMemoryUnregister,
    traceSetting,
    logSettings,
  };
  // Tensors are views of their request, and nothing reads them once the run has given its outputs.
  return bindService(definition, handlers, { recycleRequests: true, longRequests: ['modelInfer', 'modelStreamInfer'] });
}

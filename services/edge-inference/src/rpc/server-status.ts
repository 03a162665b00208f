import type {
  ServerLiveResponse,
  ServerMetadataResponse,
  ServerReadyResponse,
} from '@atoll/proto/inference/open_inference_grpc';
import { atollVersion } from '../atoll-version.js';
import type { SwapManager } from '../swap/manager.js';

/** inference.GRPCInferenceService/ServerLive. */
export async function serverLive(): Promise<ServerLiveResponse> {
  return { live: true };
}

/** inference.GRPCInferenceService/ServerReady: ready once any model serves. */
export function serverReady(manager: SwapManager) {
  return async (): Promise<ServerReadyResponse> => ({ ready: manager.versions().some(({ inService }) => inService) });
}

/** inference.GRPCInferenceService/ServerMetadata. */
export async function serverMetadata(): Promise<ServerMetadataResponse> {
  return { name: 'atoll', version: atollVersion, extensions: [] };
}

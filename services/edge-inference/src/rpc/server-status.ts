import type {
  ServerLiveResponse,
  ServerMetadataResponse,
  ServerReadyResponse,
} from '@atoll/proto/inference/open_inference_grpc';
import type { Readiness } from '../infer/readiness.js';
import { serverMetadata as metadata } from '../infer/server-metadata.js';

/** inference.GRPCInferenceService/ServerLive. */
export async function serverLive(): Promise<ServerLiveResponse> {
  return { live: true };
}

/** inference.GRPCInferenceService/ServerReady: ready once any model can answer. */
export function serverReady(readiness: Readiness) {
  return async (): Promise<ServerReadyResponse> => ({ ready: readiness.server() });
}

/** inference.GRPCInferenceService/ServerMetadata. */
export async function serverMetadata(): Promise<ServerMetadataResponse> {
  return { ...metadata, extensions: [...metadata.extensions] };
}

import { AtollError } from '@atoll/base/error';
import type {
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadRequest,
  RepositoryModelLoadResponse,
  RepositoryModelUnloadRequest,
  RepositoryModelUnloadResponse,
} from '@atoll/proto/inference/open_inference_grpc';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Repository } from '../models/repository/repository.js';

/** inference.GRPCInferenceService/RepositoryIndex. */
export function repositoryIndex(repository: Repository) {
  return async ({ repositoryName, ready }: RepositoryIndexRequest): Promise<RepositoryIndexResponse> => {
    refuseName(repositoryName);
    const entries = await repository.index();
    return { models: entries.filter(({ state }) => !ready || state === 'READY') };
  };
}

/** inference.GRPCInferenceService/RepositoryModelLoad: the newest version, or the one of the parameter `version`. */
export function repositoryModelLoad(repository: Repository) {
  return async (
    { repositoryName, modelName, parameters }: RepositoryModelLoadRequest,
    { signal }: CallContext,
  ): Promise<RepositoryModelLoadResponse> => {
    refuseName(repositoryName);
    const { version, ...others } = parameters;
    const [other] = Object.keys(others);
    if (other !== undefined) {
      throw new AtollError(
        'INVALID_ARGUMENT',
        `cannot load ${modelName} with parameter ${other.slice(0, 100)}: a model is loaded as the repository has it`,
      );
    }
    await repository.load(modelName, versionOf(version?.parameterChoice?.value), signal);
    return {};
  };
}

/** inference.GRPCInferenceService/RepositoryModelUnload: its parameters say nothing to a node without ensembles. */
export function repositoryModelUnload(repository: Repository) {
  return async ({
    repositoryName,
    modelName,
  }: RepositoryModelUnloadRequest): Promise<RepositoryModelUnloadResponse> => {
    refuseName(repositoryName);
    await repository.unload(modelName);
    return {};
  };
}

function versionOf(value: boolean | bigint | string | Buffer | undefined): bigint | undefined {
  if (value === undefined || value === '') return undefined;
  const text = value.toString().slice(0, 40);
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text);
  throw new AtollError('INVALID_ARGUMENT', `cannot load version ${JSON.stringify(text)}: it is not a number from 1`);
}

function refuseName(name: string): void {
  if (name === '') return;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use repository ${JSON.stringify(name.slice(0, 100))}: a node has one repository, without a name`,
  );
}

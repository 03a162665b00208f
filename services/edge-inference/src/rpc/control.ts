import { AtollError } from '@atoll/base/error';
import type {
  LoadVersionRequest,
  LoadVersionResponse,
  ModelTraffic,
  PromoteCanaryRequest,
  PromoteCanaryResponse,
  RemoveVersionRequest,
  RemoveVersionResponse,
  RevertModelRequest,
  RevertModelResponse,
  SetTrafficRequest,
  SetTrafficResponse,
  UnloadModelRequest,
  UnloadModelResponse,
} from '@atoll/proto/atoll/v1/inference';
import { VersionLabel } from '@atoll/proto/atoll/v1/inference';
import type { CallContext } from '@atoll/rpc/handlers';
import type { Repository } from '../models/repository/repository.js';
import type { BesideLabel } from '../swap/besides.js';
import type { SwapManager } from '../swap/manager.js';

/** The calls of atoll.v1.InferenceService that change what serves; each answers with how the requests are split then. */
export function control(manager: SwapManager, repository: Repository) {
  return {
    async loadVersion(request: LoadVersionRequest, { signal }: CallContext): Promise<LoadVersionResponse> {
      const { model, percent, maxMeanAbsError } = request;
      const version = request.version === 0n ? undefined : request.version;
      const label = besideOf(request.label);
      if (label === undefined) {
        await repository.load(model, version, signal);
      } else {
        const pkg = await repository.package(model, version);
        const result = await manager.besides.begin({ pkg, label, percent, maxMeanAbsError }, signal);
        if (result.outcome === 'failed') throw new AtollError('FAILED_PRECONDITION', result.message);
      }
      return { traffic: trafficOf(manager, model) };
    },

    async setTraffic({ model, canaryPercent, shadowPercent }: SetTrafficRequest): Promise<SetTrafficResponse> {
      refuseFleets(manager, 'set the traffic of', model);
      manager.besides.share(model, {
        ...(canaryPercent === undefined ? {} : { canary: canaryPercent }),
        ...(shadowPercent === undefined ? {} : { shadow: shadowPercent }),
      });
      return { traffic: trafficOf(manager, model) };
    },

    async promoteCanary({ model }: PromoteCanaryRequest): Promise<PromoteCanaryResponse> {
      refuseFleets(manager, 'promote', model);
      await manager.promote(model);
      return { traffic: trafficOf(manager, model) };
    },

    async removeVersion({ model, label }: RemoveVersionRequest): Promise<RemoveVersionResponse> {
      refuseFleets(manager, 'change', model);
      const beside = besideOf(label);
      if (beside === undefined) {
        throw new AtollError('INVALID_ARGUMENT', `cannot remove a version of ${model}: name its canary or its shadow`);
      }
      await manager.besides.remove(model, beside, 'it was removed by hand');
      return { traffic: trafficOf(manager, model) };
    },

    async revertModel({ model }: RevertModelRequest): Promise<RevertModelResponse> {
      refuseFleets(manager, 'revert', model);
      await manager.revert(model);
      return { traffic: trafficOf(manager, model) };
    },

    async unloadModel({ model }: UnloadModelRequest): Promise<UnloadModelResponse> {
      await repository.unload(model);
      return {};
    },
  };
}

function besideOf(label: VersionLabel): BesideLabel | undefined {
  if (label === VersionLabel.VERSION_LABEL_CANARY) return 'canary';
  return label === VersionLabel.VERSION_LABEL_SHADOW ? 'shadow' : undefined;
}

function refuseFleets(manager: SwapManager, verb: string, model: string): void {
  const owner = manager.owner(model);
  if (owner === undefined) {
    throw new AtollError('NOT_FOUND', `cannot ${verb} ${model}: this node does not serve it`);
  }
  if (owner === 'fleet') {
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot ${verb} ${model}: a rollout put it into service, which alone may change it`,
    );
  }
}

function trafficOf(manager: SwapManager, model: string): ModelTraffic {
  const described = manager.describe().find(({ name }) => name === model);
  const labelled = (label: string) => described?.versions.find((version) => version.label === label);
  return {
    model,
    stableVersion: labelled('stable')?.version ?? 0n,
    canaryVersion: labelled('canary')?.version ?? 0n,
    canaryPercent: labelled('canary')?.trafficPercent ?? 0,
    shadowVersion: labelled('shadow')?.version ?? 0n,
    shadowPercent: labelled('shadow')?.shadowPercent ?? 0,
    previousVersion: described?.previous ?? 0n,
  };
}

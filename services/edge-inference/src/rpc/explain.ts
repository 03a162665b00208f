import { AtollError } from '@atoll/base/error';
import type { ExplainRequest, ExplainResponse, ModelExplanation } from '@atoll/proto/atoll/v1/inference';
import type { BackendChoices } from '../backends/backend-choices.js';
import type { VersionFacts } from '../explain/words.js';
import { modelWords } from '../explain/words.js';
import type { Inference } from '../inference.js';
import type { SlotPool } from '../runtime/pool.js';
import type { ModelDescription } from '../swap/description.js';
import type { SwapManager } from '../swap/manager.js';
import { outcomeCounts, servedVersionMessage } from './served-version-message.js';

/** What Explain reads. */
export interface ExplainDeps {
  readonly manager: Pick<SwapManager, 'describe' | 'versions'>;
  readonly inference: Pick<Inference, 'queues'>;
  readonly pool: Pick<SlotPool, 'devices' | 'faultOf'>;
  readonly backends: Pick<BackendChoices, 'trialsOf'> | undefined;
  /** `auto`, or the backend that the node was told to use. */
  readonly backendRule: string;
}

/** atoll.v1.InferenceService/Explain. */
export function explain(deps: ExplainDeps) {
  return async ({ model: name }: ExplainRequest): Promise<ExplainResponse> => {
    const models = deps.manager.describe().filter((model) => name === '' || model.name === name);
    if (name !== '' && models.length === 0) {
      throw new AtollError('NOT_FOUND', `cannot explain ${name.slice(0, 100)}: this node knows no such model`);
    }
    return {
      models: models.map((model) => explained(model, deps)),
      devices: deps.pool.devices.map(({ device, state, reason, losses, fallbacks }) => ({
        device,
        state,
        reason,
        losses: BigInt(losses),
        fallbacks: BigInt(fallbacks),
      })),
    };
  };
}

function explained(model: ModelDescription, deps: ExplainDeps): ModelExplanation {
  const queue = deps.inference.queues().find((one) => one.model === model.name);
  const known = model.versions.map((version) => {
    const served = deps.manager
      .versions()
      .find(
        ({ served: { pkg, state } }) =>
          pkg.model === model.name && pkg.version === version.version && state === version.state,
      )?.served;
    const series = served?.stats.series ?? [];
    const elsewhere = series.filter(({ backend, device }) => backend !== version.backend || device !== version.device);
    const facts: VersionFacts = {
      version,
      backendRule: deps.backendRule,
      trials: served === undefined ? [] : (deps.backends?.trialsOf(served.pkg) ?? []),
      fallbacks: elsewhere.reduce((sum, { request }) => sum + request.count, 0),
      fault: served === undefined ? undefined : deps.pool.faultOf(served.handle),
    };
    return { facts, series, labels: served?.pkg.labels ?? [] };
  });
  const [waiting, waitingLimit] = [queue?.waiting ?? 0, queue?.limit ?? 0];
  return {
    model: model.name,
    words: modelWords({ model, versions: known.map(({ facts }) => facts), waiting, waitingLimit }),
    owner: model.owner,
    previousVersion: model.previous ?? 0n,
    waiting,
    waitingLimit,
    refused: (queue?.refused ?? []).map(({ outcome, count }) => ({ outcome, count: BigInt(count) })),
    decisions: model.decisions.map(({ atMs, kind, version, label = '', reason }) => ({
      atUnixMs: BigInt(Math.round(atMs)),
      kind,
      version,
      label,
      reason,
    })),
    versions: known.map(({ facts: { version, trials, fallbacks, fault = '' }, series, labels }) => ({
      served: servedVersionMessage(model.name, version, labels, trials),
      outcomes: outcomeCounts(series),
      fallbacks: BigInt(fallbacks),
      probeMs: version.probeMs,
      compared: BigInt(version.stats.compared),
      disagreed: BigInt(version.stats.disagreed),
      trial: trialText(version.trial),
      fault,
    })),
  };
}

function trialText(trial: ModelDescription['versions'][number]['trial']): string {
  if (trial === undefined) return '';
  const { verdict } = trial;
  return verdict.kind === 'fail' ? `${verdict.reason.code}: ${verdict.reason.message}` : verdict.kind;
}

/** What a node tells of its models over REST. */
import type { ModelConfigFacts, TensorConfig } from '../infer/model-config.js';
import { modelConfigOf } from '../infer/model-config.js';
import { modelMetadata as metadataOf } from '../infer/model-metadata.js';
import type { ModelStatistics } from '../infer/model-statistics.js';
import { modelStatistics as statisticsOf } from '../infer/model-statistics.js';
import type { Readiness } from '../infer/readiness.js';
import type { Total } from '../stats/totals.js';
import type { SwapManager } from '../swap/manager.js';
import { targetOf } from '../swap/target.js';
import { jsonAnswer } from './answer.js';
import type { Handler } from './handlers.js';

/** GET /v2/models/NAME[/versions/V] */
export function modelMetadata(manager: SwapManager): Handler {
  return async ({ route: { model, version } }) => jsonAnswer(200, metadataOf(manager, model, targetOf(version)));
}

/** GET /v2/models/NAME[/versions/V]/ready: a model that this node does not have is not ready, so that callers can wait for it. */
export function modelReady(manager: SwapManager, readiness: Readiness): Handler {
  return async ({ route: { model, version } }) => {
    const target = targetOf(version);
    if (readiness.model(model, target)) return jsonAnswer(200, { name: model, ready: true });
    manager.find(model, target);
    return jsonAnswer(503, { name: model, ready: false, error: `cannot run ${model}: it could not be loaded again` });
  };
}

/** GET /v2/models/NAME[/versions/V]/config, as Triton writes it. */
export function modelConfig(manager: SwapManager, slots: number): Handler {
  return async ({ route: { model, version } }) =>
    jsonAnswer(200, configJson(modelConfigOf(manager.find(model, targetOf(version)), slots)));
}

function configJson({ name, platform, backend, instances, ...facts }: ModelConfigFacts) {
  const tensor = ({ name: tensorName, dataType, dims }: TensorConfig) => ({
    name: tensorName,
    data_type: dataType,
    dims,
  });
  return {
    name,
    platform,
    backend,
    version_policy: { specific: { versions: [Number(facts.version)] } },
    max_batch_size: facts.maxBatchSize,
    input: facts.inputs.map(tensor),
    output: facts.outputs.map(tensor),
    instance_group: [{ name, ...instances }],
    default_model_filename: facts.defaultModelFilename,
    parameters: Object.fromEntries(
      Object.entries(facts.parameters).map(([key, value]) => [key, { string_value: value }]),
    ),
    model_transaction_policy: { decoupled: false },
  };
}

/** GET /v2/models[/NAME[/versions/V]]/stats, as Triton writes it. */
export function modelStatistics(manager: SwapManager): Handler {
  return async ({ route: { model, version } }) =>
    jsonAnswer(200, { model_stats: statisticsOf(manager, model, targetOf(version)).map(statisticsJson) });
}

function statisticsJson({ name, version, inferenceCount, totals, device, memoryBytes }: ModelStatistics) {
  const duration = ({ count, sumMs }: Total) => ({ count, ns: Math.round(sumMs * 1e6) });
  const { success, fail, queue, input, infer, output } = totals;
  const compute = {
    compute_input: duration(input),
    compute_infer: duration(infer),
    compute_output: duration(output),
  };
  const none = { count: 0, ns: 0 };
  return {
    name,
    version: String(version),
    last_inference: Math.round(totals.lastInferenceMs),
    inference_count: inferenceCount,
    execution_count: inferenceCount,
    inference_stats: {
      success: duration(success),
      fail: duration(fail),
      queue: duration(queue),
      ...compute,
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: inferenceCount === 0 ? [] : [{ batch_size: 1, ...compute }],
    memory_usage: [{ type: device === 'cpu' ? 'CPU' : device, id: 0, byte_size: Math.max(0, memoryBytes) }],
  };
}

import type { PredictRequest, PredictResponse } from '@atoll/proto/atoll/v1/inference';
import type { Caller } from '../admit/caller.js';
import type { Inference } from '../inference.js';
import type { VersionTarget } from '../swap/target.js';
import { classify } from './classify.js';

const defaultTop = 3;

/** What a photo is taken for, whatever protocol brought it. */
export async function runPredict(
  inference: Inference,
  { model, image, top }: Pick<PredictRequest, 'model' | 'image' | 'top'>,
  target: VersionTarget,
  caller: Caller,
): Promise<PredictResponse> {
  const count = top === 0 ? defaultTop : top;
  const { result, served, timings } = await inference.withVersion(model, target, caller, (leased) =>
    classify(leased, image, count, caller.signal),
  );
  return {
    predictions: [...result.classes],
    model: served.pkg.model,
    version: served.pkg.version,
    backend: served.info.backend,
    latencyMs: timings.latencyMs,
    queueMs: timings.queueMs,
    inferMs: result.inferMs,
  };
}

import type { BackendTrial, OutcomeCount, ServedVersion } from '@atoll/proto/atoll/v1/inference';
import type { BackendTrial as Trial } from '../backends/choose.js';
import type { Series } from '../stats/series.js';
import type { VersionDescription } from '../swap/description.js';

/** A version as DescribeModels and Explain tell it. */
export function servedVersionMessage(
  model: string,
  version: VersionDescription,
  labels: readonly string[],
  trials: readonly Trial[],
): ServedVersion {
  const { requests, errors, p50Ms, p99Ms, crashes } = version.stats;
  return {
    model,
    version: version.version,
    state: version.state,
    inService: version.label === 'stable',
    backend: version.backend,
    manifestSha256: version.manifestSha256,
    health: { requests: BigInt(requests), errors: BigInt(errors), p50Ms, p99Ms, crashes: BigInt(crashes) },
    labels: [...labels],
    device: version.device,
    label: version.label ?? '',
    trafficPercent: version.trafficPercent,
    memoryBytes: BigInt(Math.max(0, Math.round(version.memoryBytes))),
    trials: trials.map(trialMessage),
  };
}

/** Requests by how they ended, wherever they ran. */
export function outcomeCounts(series: readonly Series[]): OutcomeCount[] {
  const counts = new Map<string, number>();
  for (const { outcome, request } of series) counts.set(outcome, (counts.get(outcome) ?? 0) + request.count);
  return [...counts].map(([outcome, count]) => ({ outcome, count: BigInt(count) }));
}

function trialMessage({ backend, medianMs, p99Ms, refusal = '' }: Trial): BackendTrial {
  return { backend, medianMs, p99Ms, refusal };
}

import type { RequestTotals } from '../stats/totals.js';
import type { ServedVersion } from '../swap/served-version.js';
import type { SwapManager } from '../swap/manager.js';
import type { VersionTarget } from '../swap/target.js';

/** What a version has done since it went into service. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: bigint;
  /** Requests are not batched, so inferences and runs are the same. */
  readonly inferenceCount: number;
  readonly totals: RequestTotals;
  readonly device: string;
  readonly memoryBytes: number;
}

/** The statistics of a version, of all versions of a model, or of every model (empty name); NOT_FOUND for what is not here. */
export function modelStatistics(
  manager: Pick<SwapManager, 'versions' | 'find' | 'describe'>,
  name: string,
  target: VersionTarget,
): readonly ModelStatistics[] {
  if (name !== '') {
    const found = manager.find(name, target);
    if (target !== undefined) return [statisticsOf(found)];
  }
  const loaded = manager.versions().map(({ served }) => served);
  const resting = manager
    .describe()
    .filter(({ versions }) => versions.some(({ state }) => state === 'resting'))
    .map((model) => manager.find(model.name, undefined));
  return [...loaded, ...resting].filter(({ pkg }) => name === '' || pkg.model === name).map(statisticsOf);
}

function statisticsOf({ pkg, info, stats }: Pick<ServedVersion, 'pkg' | 'info' | 'stats'>): ModelStatistics {
  const totals = stats.totals();
  return {
    name: pkg.model,
    version: pkg.version,
    inferenceCount: totals.success.count,
    totals,
    device: info.device,
    memoryBytes: info.memoryBytes,
  };
}

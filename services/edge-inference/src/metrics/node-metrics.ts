import type { Inference } from '../inference.js';
import type { SlotPool } from '../runtime/pool.js';
import type { SwapManager } from '../swap/manager.js';
import { nodeFamilies } from './node-families.js';
import type { NodeNumbers, VersionNumbers } from './numbers.js';
import type { MetricsText } from './render.js';
import { createRender } from './render.js';
import { residentBytes } from './resident-memory.js';

/** A node's numbers for Prometheus. */
export interface NodeMetrics {
  text(): Promise<MetricsText>;
}

/** Where the numbers are. */
export interface NodeMetricsDeps {
  readonly manager: Pick<SwapManager, 'versions' | 'describe' | 'memory'>;
  readonly inference: Pick<Inference, 'queues'>;
  readonly pool: Pick<SlotPool, 'pids' | 'devices'>;
  /** Runtime processes that ended unasked so far. */
  readonly restarts: () => number;
  /** Of Atoll. */
  readonly release: string;
}

/** Reads everything at each scrape. */
export function createNodeMetrics(deps: NodeMetricsDeps): NodeMetrics {
  const render = createRender();
  return { text: async () => await render(nodeFamilies(await numbersOf(deps))) };
}

async function numbersOf(deps: NodeMetricsDeps): Promise<NodeNumbers> {
  const { manager, inference, pool, release } = deps;
  const models = manager.describe();
  const resident = await Promise.all(pool.pids.map(residentBytes));
  return {
    release,
    nodeVersion: process.version,
    restarts: deps.restarts(),
    versions: versionsOf(manager),
    doors: inference.queues(),
    changes: models.flatMap(({ name, decided }) =>
      [...decided].map(([change, count]) => ({ model: name, change, count })),
    ),
    devices: pool.devices,
    residentBytes: resident.filter((bytes) => bytes !== undefined),
    memoryBudgetBytes: manager.memory.budgetBytes,
    memoryUsedBytes: manager.memory.usedBytes,
  };
}

function versionsOf(manager: NodeMetricsDeps['manager']): VersionNumbers[] {
  const models = new Map(manager.describe().map((model) => [model.name, model]));
  return manager.versions().map(({ served: { pkg, info, stats }, inService }) => {
    const described = models.get(pkg.model)?.versions.find(({ version }) => version === pkg.version);
    return {
      model: pkg.model,
      version: pkg.version,
      backend: info.backend,
      device: info.device,
      label: described?.label ?? '',
      inService,
      trafficRatio: (described?.trafficPercent ?? 0) / 100,
      memoryBytes: described?.memoryBytes ?? 0,
      stats: stats.snapshot(),
      series: stats.series,
    };
  });
}

import type { SwapManager } from '../swap/manager.js';

/** One line a number and version; latency is from dequeue to output. */
export function metricsText(manager: SwapManager): string {
  const lines: string[] = [];
  const versions = manager.versions().map(({ served, inService }) => ({
    labels: `model="${served.pkg.model}",version="${served.pkg.version}",backend="${served.info.backend}"`,
    stats: served.stats.snapshot(),
    inService,
  }));
  const family = (
    name: string,
    type: string,
    help: string,
    values: (v: (typeof versions)[number]) => [string, number][],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const version of versions) {
      for (const [more, value] of values(version)) lines.push(`${name}{${version.labels}${more}} ${value}`);
    }
  };
  family('atoll_inference_requests_total', 'counter', 'Requests that were run, by outcome.', ({ stats }) => [
    [',outcome="ok"', stats.requests - stats.errors],
    [',outcome="error"', stats.errors],
  ]);
  family(
    'atoll_inference_latency_seconds',
    'gauge',
    'Time from dequeue to output since the version went into service.',
    ({ stats }) => [
      [',quantile="0.5"', stats.p50Ms / 1_000],
      [',quantile="0.99"', stats.p99Ms / 1_000],
    ],
  );
  family('atoll_runtime_crashes_total', 'counter', 'Unasked ends of the runtime process.', ({ stats }) => [
    ['', stats.crashes],
  ]);
  family(
    'atoll_model_in_service',
    'gauge',
    '1 for the version that requests without a version go to.',
    ({ inService }) => [['', inService ? 1 : 0]],
  );
  return `${lines.join('\n')}\n`;
}

/*
 * Families as text for Prometheus, through prom-client, beside what it tells of this process. It is loaded by the first scrape,
 * so that a node that nobody scrapes starts sooner and is smaller; requests are counted in stats/ alone and never come near it.
 */
import type { Registry } from 'prom-client';
import type { Family } from './family.js';

/** Text and how to declare it. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** Writes families. */
export type Render = (families: readonly Family[]) => Promise<MetricsText>;

/** How often prom-client looks at the event loop's lag, milliseconds. */
const lagPrecisionMs = 20;

interface Loaded {
  readonly process: Registry;
  readonly aggregate: (metrics: object[]) => Registry;
}

/** See the head of the file. */
export function createRender(): Render {
  let loading: Promise<Loaded> | undefined;
  return async (families) => {
    loading ??= load();
    const { process, aggregate } = await loading;
    // What aggregate takes is what getMetricsAsJSON gives; one list is summed with nothing.
    const told = families.filter(({ samples }) => samples.length > 0);
    const own = aggregate(told.map((family) => ({ ...family, values: valuesOf(family), aggregator: 'sum' })));
    return { contentType: process.contentType, body: `${await own.metrics()}\n${await process.metrics()}` };
  };
}

async function load(): Promise<Loaded> {
  const { AggregatorRegistry, collectDefaultMetrics, Registry } = (await import('prom-client')).default;
  const process = new Registry();
  collectDefaultMetrics({ register: process, eventLoopMonitoringPrecision: lagPrecisionMs });
  return { process, aggregate: (metrics) => AggregatorRegistry.aggregate([metrics]) };
}

function valuesOf({ samples }: Family) {
  return samples.map(({ name, labels, value }) => ({
    labels,
    value,
    ...(name === undefined ? {} : { metricName: name }),
  }));
}

/*
 * What Prometheus is told of the loaded versions. A version that is gone leaves nothing behind, so the number of series is bounded
 * by what is loaded: a version has one of each kind, and of the others as many as it met pairs of backend and device, and outcomes.
 */
import { bucketEdgesMs } from '../stats/durations.js';
import type { Durations } from '../stats/durations.js';
import type { Series, Stage } from '../stats/series.js';
import { stages } from '../stats/series.js';
import type { Family, Labels, Sample } from './family.js';
import type { DoorNumbers, VersionNumbers } from './numbers.js';

/** Every family with a label `version`. */
export function versionFamilies(versions: readonly VersionNumbers[], doors: readonly DoorNumbers[]): readonly Family[] {
  const perVersion = (value: (version: VersionNumbers) => number): Sample[] =>
    versions.map((version) => ({ labels: labelsOf(version), value: value(version) }));
  return [
    {
      name: 'atoll_inference_requests_total',
      type: 'counter',
      help: 'Requests by outcome; without a version those that ended before one took them.',
      samples: [...versions.flatMap(requestSamples), ...doors.flatMap(refusedSamples)],
    },
    {
      name: 'atoll_inference_request_duration_seconds',
      type: 'histogram',
      help: 'From arrival to answer.',
      samples: versions.flatMap((version) =>
        version.series.flatMap((series) =>
          histogram('atoll_inference_request_duration_seconds', ranLabels(version, series), series.request),
        ),
      ),
    },
    ...stages.map((stage) => stageFamily(stage, versions)),
    {
      name: 'atoll_inference_latency_seconds',
      type: 'gauge',
      help: 'Quantiles of the time from dequeue to answer since the version went into service.',
      samples: versions.flatMap((version) => [
        { labels: { ...labelsOf(version), quantile: '0.5' }, value: version.stats.p50Ms / 1_000 },
        { labels: { ...labelsOf(version), quantile: '0.99' }, value: version.stats.p99Ms / 1_000 },
      ]),
    },
    {
      name: 'atoll_inference_fallbacks_total',
      type: 'counter',
      help: 'Requests that ran on another device or backend than the one chosen for the version.',
      samples: versions.flatMap(fallbackSamples),
    },
    {
      name: 'atoll_inference_shadow_compared_total',
      type: 'counter',
      help: 'Answers of a shadow version that were held against those of the version in service.',
      samples: perVersion(({ stats }) => stats.compared),
    },
    {
      name: 'atoll_inference_shadow_disagreed_total',
      type: 'counter',
      help: 'Those of them that differed.',
      samples: perVersion(({ stats }) => stats.disagreed),
    },
    {
      name: 'atoll_runtime_crashes_total',
      type: 'counter',
      help: 'Unasked ends of the runtime process while the version was loaded in it.',
      samples: perVersion(({ stats }) => stats.crashes),
    },
    {
      name: 'atoll_model_in_service',
      type: 'gauge',
      help: '1 for the version that requests without a version go to.',
      samples: perVersion(({ inService }) => (inService ? 1 : 0)),
    },
    {
      name: 'atoll_model_traffic_ratio',
      type: 'gauge',
      help: 'Share of the requests without a version that go to this one.',
      samples: versions.map((version) => ({
        labels: { ...labelsOf(version), label: version.label },
        value: version.trafficRatio,
      })),
    },
    {
      name: 'atoll_model_memory_bytes',
      type: 'gauge',
      help: 'Memory that the version takes in each runtime process.',
      samples: perVersion(({ memoryBytes }) => memoryBytes),
    },
  ];
}

const stageHelp: Readonly<Record<Stage, string>> = {
  queue: 'Successful requests: until they were admitted and a runtime process took them.',
  input: 'Successful requests: decoding and copying until the run began.',
  infer: 'Successful requests: the run alone.',
  output: 'Successful requests: from the end of the run to the answer.',
};

function stageFamily(stage: Stage, versions: readonly VersionNumbers[]): Family {
  const name = `atoll_inference_${stage}_duration_seconds`;
  return {
    name,
    type: 'histogram',
    help: stageHelp[stage],
    samples: versions.flatMap((version) =>
      version.series
        .filter(({ outcome }) => outcome === 'ok')
        .flatMap((series) => histogram(name, ranLabels(version, series), series.stages[stage])),
    ),
  };
}

/** `ok` and `error` are there from the beginning, so that a rate over them never misses the first. */
function requestSamples(version: VersionNumbers): Sample[] {
  const { series } = version;
  const { backend, device } = version;
  const missing = (['ok', 'error'] as const).filter(
    (outcome) => !series.some((one) => one.outcome === outcome && one.backend === backend && one.device === device),
  );
  return [
    ...missing.map((outcome) => ({ labels: { ...labelsOf(version), outcome }, value: 0 })),
    ...series.map((one) => ({ labels: ranLabels(version, one), value: one.request.count })),
  ];
}

function refusedSamples({ model, refused }: DoorNumbers): Sample[] {
  return refused.map(({ outcome, count }) => ({
    labels: { model, version: '', backend: '', device: '', outcome },
    value: count,
  }));
}

function fallbackSamples(version: VersionNumbers): Sample[] {
  const elsewhere = version.series.filter(
    ({ backend, device }) => backend !== version.backend || device !== version.device,
  );
  const places = new Map<string, Series>(elsewhere.map((series) => [`${series.backend} ${series.device}`, series]));
  return [...places.values()].map((place) => ({
    labels: { ...labelsOf(version), backend: place.backend, device: place.device },
    value: elsewhere
      .filter(({ backend, device }) => backend === place.backend && device === place.device)
      .reduce((sum, { request }) => sum + request.count, 0),
  }));
}

function histogram(name: string, labels: Labels, { counts, sumMs, count }: Durations): Sample[] {
  let below = 0;
  const buckets = bucketEdgesMs.map((edgeMs, index) => {
    below += counts[index] ?? 0;
    return { name: `${name}_bucket`, labels: { ...labels, le: String(edgeMs / 1_000) }, value: below };
  });
  return [
    ...buckets,
    { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { name: `${name}_sum`, labels, value: sumMs / 1_000 },
    { name: `${name}_count`, labels, value: count },
  ];
}

function labelsOf({ model, version, backend, device }: VersionNumbers): Labels {
  return { model, version: String(version), backend, device };
}

function ranLabels({ model, version }: VersionNumbers, { backend, device, outcome }: Series): Labels {
  return { model, version: String(version), backend, device, outcome };
}

import type { RunningServer } from '@atoll/rpc/server';
import type { Readiness, VersionReadiness } from '../infer/readiness.js';

/** Keeps grpc.health.v1 at what serves: a part for each model, and one for each of its versions as MODEL/VERSION. */
export interface HealthReport {
  /** To be called whenever what serves may have changed. */
  refresh(): void;
}

/** See HealthReport. A version that cannot answer is NOT_SERVING; one that is unloaded is no part any more. */
export function createHealthReport(
  server: Pick<RunningServer, 'setServing'>,
  readiness: Pick<Readiness, 'versions'>,
): HealthReport {
  let told: ReadonlyMap<string, boolean> = new Map();
  return {
    refresh() {
      const now = partsOf(readiness.versions());
      for (const part of told.keys()) if (!now.has(part)) server.setServing(part, undefined);
      for (const [part, serving] of now) if (told.get(part) !== serving) server.setServing(part, serving);
      told = now;
    },
  };
}

function partsOf(versions: readonly VersionReadiness[]): ReadonlyMap<string, boolean> {
  const parts = new Map<string, boolean>();
  for (const { model, version, inService, ready } of versions) {
    parts.set(`${model}/${version}`, ready);
    parts.set(model, parts.get(model) === true || (inService && ready));
  }
  return parts;
}

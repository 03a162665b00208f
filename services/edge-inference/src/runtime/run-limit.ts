/*
 * How long a run may take before its process is taken for hung: a multiple of the slowest of the model's last runs, as its
 * caller saw them, so that a busy machine widens the limit by itself; never below a floor, and never above what the operator
 * allows, which alone holds for a model of which little is known.
 */

/** Limits of all models of a slot. */
export interface RunLimits {
  /** For the model's next run, milliseconds. */
  of(handle: string): number;
  /** A run of it ended well after this many milliseconds. */
  took(handle: string, ms: number): void;
  forget(handle: string): void;
}

interface Recent {
  /** The slowest of the present span of runs, of the span before it, and how many runs the present one holds. */
  slowestMs: number;
  slowestBeforeMs: number;
  runs: number;
  known: boolean;
}

const spanRuns = 32;
const timesSlowest = 50;
const floorMs = 250;
/** Limits are multiples of it: as timers of one length are cheap and of many lengths are not. */
const stepMs = 50;

/** No model is known; `mostMs` is the operator's limit. */
export function createRunLimits(mostMs: number): RunLimits {
  const models = new Map<string, Recent>();
  return {
    of(handle) {
      const recent = models.get(handle);
      if (recent?.known !== true) return mostMs;
      const wanted = Math.max(floorMs, timesSlowest * Math.max(recent.slowestMs, recent.slowestBeforeMs));
      return Math.min(mostMs, Math.ceil(wanted / stepMs) * stepMs);
    },
    took(handle, ms) {
      const recent = models.get(handle) ?? { slowestMs: 0, slowestBeforeMs: 0, runs: 0, known: false };
      models.set(handle, recent);
      recent.slowestMs = Math.max(recent.slowestMs, ms);
      if (++recent.runs < spanRuns) return;
      recent.slowestBeforeMs = recent.slowestMs;
      recent.slowestMs = 0;
      recent.runs = 0;
      recent.known = true;
    },
    forget: (handle) => void models.delete(handle),
  };
}

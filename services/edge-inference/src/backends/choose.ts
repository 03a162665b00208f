/**
 * Which backend runs a model on this node's CPU: the fastest that opened it and answered its golden cases. A lead of less than a
 * twentieth is noise and leaves the order in which they are trusted: LiteRT's library, TFLite's, the portable one.
 */

/** What runs models on a CPU, by the runtime's names. */
export type CpuBackend = 'native-litert' | 'native-tflite' | 'wasm';

/** Every backend of a CPU, most trusted first. */
export const cpuBackends: readonly CpuBackend[] = ['native-litert', 'native-tflite', 'wasm'];

/** How one backend did with one model. */
export interface BackendTrial {
  readonly backend: CpuBackend;
  /** Of its runs, the first ones not counted; 0 when it was refused. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Why it cannot run the model here; undefined when it can. */
  readonly refusal: string | undefined;
}

/** A lead below this share is none. */
const noise = 0.05;

/** The choice; undefined when none can run it. */
export function chooseBackend(trials: readonly BackendTrial[]): CpuBackend | undefined {
  const able = trials.filter(({ refusal }) => refusal === undefined);
  const fastestMs = Math.min(...able.map(({ medianMs }) => medianMs));
  const close = able.filter(({ medianMs }) => medianMs * (1 - noise) <= fastestMs);
  return cpuBackends.find((backend) => close.some((trial) => trial.backend === backend));
}

/** A swap under way costs a load and a cold start: only a lead that callers notice is worth it. */
const worthwhile = 1.25;

/** The backend to swap a model to that runs on `current`, when it is clearly faster; else undefined. */
export function betterBackend(trials: readonly BackendTrial[], current: string): CpuBackend | undefined {
  const chosen = trials.find(({ backend }) => backend === chooseBackend(trials));
  const now = trials.find(({ backend, refusal }) => backend === current && refusal === undefined);
  if (chosen === undefined || now === undefined || chosen.backend === current) return undefined;
  return now.medianMs >= chosen.medianMs * worthwhile ? chosen.backend : undefined;
}

/** The choice in words. */
export function choiceInWords(trials: readonly BackendTrial[]): string {
  const chosen = chooseBackend(trials);
  const told = trials.map(({ backend, medianMs, refusal }) =>
    refusal === undefined ? `${backend} ${medianMs.toFixed(2)} ms` : `${backend} refused: ${refusal}`,
  );
  return `${chosen ?? 'none'} of ${told.join(', ')}`;
}

import type { EnvReader } from '@atoll/base/env';
import type { TrialPolicy } from '../swap/judge.js';

/** How versions of models come, share the node, and go. */
export interface SwapConfig {
  /** What all loaded models may take together, in all runtime processes; 0 = no bound. */
  readonly memoryBudgetBytes: number;
  /** Models that are never unloaded for others. */
  readonly pinned: readonly string[];
  /** How many times the fastest run of the version in service that of a new one may take in its trial; 0 = any. */
  readonly probeRatio: number;
  /** How a version that took over, a canary or a shadow is judged. */
  readonly trial: TrialPolicy;
}

/** What a node does when it is told nothing. */
export const defaultSwap: SwapConfig = {
  memoryBudgetBytes: 0,
  pinned: [],
  probeRatio: 8,
  trial: {
    durationMs: 30_000,
    windowMs: 2_000,
    minSamples: 50,
    maxErrorRate: 0.02,
    maxLatencyRatio: 3,
    maxDisagreement: 0.1,
  },
};

/** Reads the settings; faults are collected by the reader. */
export function readSwap(reader: EnvReader): SwapConfig {
  const { memoryBudgetBytes, probeRatio, trial } = defaultSwap;
  const percent = (name: string, fallback: number, max: number): number =>
    reader.integer(name, Math.round(fallback * 100), 0, max) / 100;
  return {
    memoryBudgetBytes:
      reader.integer('ATOLL_EDGE_INFERENCE_MEMORY_MB', memoryBudgetBytes / 2 ** 20, 0, 1_000_000) * 2 ** 20,
    pinned: (reader.optionalText('ATOLL_EDGE_INFERENCE_PINNED') ?? '').split(',').filter((name) => name !== ''),
    probeRatio: reader.integer('ATOLL_EDGE_INFERENCE_PROBE_RATIO', probeRatio, 0, 1_000),
    trial: {
      ...trial,
      durationMs: reader.integer('ATOLL_EDGE_INFERENCE_TRIAL_MS', trial.durationMs, 0, 86_400_000),
      minSamples: reader.integer('ATOLL_EDGE_INFERENCE_TRIAL_MIN_REQUESTS', trial.minSamples, 1, 1_000_000),
      maxErrorRate: percent('ATOLL_EDGE_INFERENCE_TRIAL_MAX_ERROR_PERCENT', trial.maxErrorRate, 100),
      maxLatencyRatio: percent('ATOLL_EDGE_INFERENCE_TRIAL_MAX_P99_PERCENT', trial.maxLatencyRatio, 100_000),
      maxDisagreement: percent('ATOLL_EDGE_INFERENCE_TRIAL_MAX_DISAGREEMENT_PERCENT', trial.maxDisagreement, 100),
    },
  };
}

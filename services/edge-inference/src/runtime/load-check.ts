import type { RunResult } from './child-process.js';
import type { LoadedInfo } from './messages.js';

/** Judges a model that has been loaded, which runs what it is given; throws when the model may not serve. */
export type LoadCheck = (
  info: LoadedInfo,
  run: (inputs: readonly Uint8Array[]) => Promise<RunResult>,
) => void | Promise<void>;

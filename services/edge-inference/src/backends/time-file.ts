import type { Logger } from '@atoll/base/log';
import type { Libraries } from '@atoll/runtime/open';
import { packageFromFile } from '../models/from-file.js';
import type { BackendTrial, CpuBackend } from './choose.js';
import { chooseBackend } from './choose.js';
import { tryBackends } from './try-backends.js';

/** How every backend of this machine's CPU does with a model, and which a node would take. */
export interface TimedBackends {
  readonly chosen: CpuBackend | undefined;
  readonly trials: readonly BackendTrial[];
}

/** What the processes that time run with. */
export interface TimingRuntime {
  readonly libraries: Libraries;
  readonly libraryPath: string | undefined;
  readonly log: Logger;
}

/** Of one backend, start of its process included. */
const timeoutMs = 60_000;

/** Times a .tflite file as a node would, with zeros for its input. */
export async function timeFile(path: string, runtime: TimingRuntime, signal: AbortSignal): Promise<TimedBackends> {
  const { libraries, libraryPath, log } = runtime;
  const settings = { libraries, threads: 1, ...(libraryPath === undefined ? {} : { libraryPath }) };
  const pkg = await packageFromFile({ name: 'model', path });
  const trials = await tryBackends(pkg, { settings, timeoutMs, log }, signal);
  return { chosen: chooseBackend(trials), trials };
}

/** The parent's side of a description: a child process, because a file from anywhere may be large, slow to read or worse. */
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { runInChild } from '@atoll/jobs/run-in-child';
import { startDeadline } from './deadline.js';
import type { InspectJob, InspectOutput, StoredFile } from './messages.js';

/** Describes a file; RESOURCE_EXHAUSTED while as many others are being described as there may be. */
export type Inspector = (model: StoredFile, signal: AbortSignal) => Promise<InspectOutput>;

const maxAtOnce = 4;
const timeoutMs = 60_000;
const graceMs = 500;

/** Makes an inspector. */
export function inspectInChild(env: Env, log: Logger): Inspector {
  let running = 0;
  return async (model, outer) => {
    if (running >= maxAtOnce)
      throw new AtollError(
        'RESOURCE_EXHAUSTED',
        `cannot inspect ${model.name}: ${maxAtOnce} other files are being looked at; try again`,
      );
    running++;
    const { signal, clear } = startDeadline(`inspect ${model.name}`, timeoutMs, outer);
    try {
      return await runInChild<InspectJob, never, InspectOutput>({
        entry: new URL('main.js', import.meta.url),
        input: { kind: 'inspect', model },
        onEvent: () => undefined,
        signal,
        graceMs,
        env,
        log,
      });
    } finally {
      clear();
      running--;
    }
  };
}

/*
 * The processes that a node needs first, started before the rest of it is loaded: a new process takes longer to begin than to load
 * a model, and a second core has nothing else to do meanwhile. One is for the first slot, one for the trial of the first model.
 */
import type { Logger } from '@atoll/base/log';
import { type ChildSettings, type RuntimeChild, startChild } from './child-process.js';
import { probeNiceness } from './probe-niceness.js';

/** See the head of the file. Each is taken once, and then is its taker's to end. */
export interface EarlyChildren {
  takeForSlot(): Promise<RuntimeChild> | undefined;
  takeForProbe(): Promise<RuntimeChild> | undefined;
  /** Ends what was not taken. */
  stop(): Promise<void>;
}

/** Starts them; the one for a trial only where models will be tried at the start. */
export function startEarlyChildren(settings: ChildSettings, probes: boolean, log: Logger): EarlyChildren {
  const start = (niceness: number): Promise<RuntimeChild> => {
    const child = startChild(settings, log, niceness);
    // Its taker is told; until there is one, a failure is nobody's.
    child.catch(() => undefined);
    return child;
  };
  const left = new Map([['slot', start(0)]]);
  if (probes) left.set('probe', start(probeNiceness));
  const take = (what: string): Promise<RuntimeChild> | undefined => {
    const child = left.get(what);
    left.delete(what);
    return child;
  };
  return {
    takeForSlot: () => take('slot'),
    takeForProbe: () => take('probe'),
    async stop() {
      const ended = [...left.values()].map(async (child) => {
        const started = await child.catch(() => undefined);
        started?.kill();
        await started?.ended;
      });
      left.clear();
      await Promise.all(ended);
    },
  };
}

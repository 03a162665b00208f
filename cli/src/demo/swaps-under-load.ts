/** While clients ask every node: v2 takes v1's place, then two releases that must not take v2's. */
import { AtollError } from '@atoll/base/error';
import { eventually } from '@atoll/base/eventually';
import { allNodes } from '../fleet-nodes.js';
import { askNodes, largestDifference, scoresOf } from './ask-nodes.js';
import type { Figures } from './figures.js';
import { type Load, startLoad, swapFigures } from './load.js';
import { publishSlowing, publishWrong } from './releases.js';
import type { FirstVersion } from './two-versions.js';
import { model, rollOutVersion, type Work } from './work.js';

/** The figures of these steps. */
export type SwapsUnderLoad = Pick<
  Figures,
  'swap' | 'load' | 'scoreDifference' | 'wrong' | 'slow' | 'versionsAtEnd' | 'requests' | 'failedRequests'
>;

const waves = ['1', '100%'] as const;
const requestsOverSwap = 2_000;
/** Answers that each node gives before the swap: its baseline. */
const requestsBefore = 60;
const loadTimeoutMs = 120_000;
const soakMs = { good: 4_000, slow: 90_000 } as const;

/** Swaps v1 for v2, then tries v3 and v4. */
export async function swapsUnderLoad(work: Work, first: FirstVersion, v2: Uint8Array): Promise<SwapsUnderLoad> {
  const { nodes, machine, progress, step, publisher } = work;
  const { signal } = machine;
  step('v2 rolled out in 2 waves while clients ask every node');
  const load = await startLoad(nodes, model, work.asked);
  try {
    await answered(load, requestsBefore * nodes.length, signal);
    const swap = await rollOutVersion(work, 2n, waves, soakMs.good);
    await answered(load, requestsOverSwap, signal);
    const ids = nodes.map(({ id }) => id);
    const figures = swapFigures([...load.asked], ids, { from: 1n, to: 2n });
    await askNodes(nodes, model, work.shown, (text) => progress.line(text), signal);
    const scores = await scoresOf(nodes[0]?.address ?? '', model, work.asked, signal);

    step('v3: signed and loadable, but its answers are not those that its release promises');
    await publishWrong(publisher, 3n, v2);
    const wrong = await rollOutVersion(work, 3n, waves, soakMs.good);

    step('v4: right answers, but it turns more than 10 times slower after a few seconds');
    await publishSlowing(publisher, 4n, v2);
    const slow = await rollOutVersion(work, 4n, waves, soakMs.slow);

    const atEnd = await allNodes(work.fleet, signal);
    await load.stop();
    return {
      swap,
      load: { ...figures, clients: load.clients },
      scoreDifference: largestDifference(first.scores, scores),
      wrong,
      slow,
      versionsAtEnd: atEnd.map(({ status }) => Number(status?.version ?? 0n)),
      requests: load.asked.length,
      failedRequests: load.asked.filter(({ version }) => version === undefined).length,
    };
  } finally {
    await load.stop();
  }
}

/** Waits until so many requests have been answered. */
function answered(load: Load, count: number, signal: AbortSignal): Promise<void> {
  return eventually(
    () => {
      // An abort ends the wait by its own error, whatever the count.
      if (signal.aborted || load.asked.length >= count) return;
      const so = `${load.asked.length} of ${count} requests are answered`;
      throw new AtollError('DEADLINE_EXCEEDED', `cannot go on: ${so} after ${loadTimeoutMs / 1000} s`);
    },
    loadTimeoutMs,
    50,
  ).then(() => signal.throwIfAborted());
}

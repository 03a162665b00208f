import { table } from '../table.js';
import { describeConditions } from './conditions.js';
import { againstPeer, type BenchFigure, median } from './figure.js';
import { percentile } from './percentiles.js';
import type { SwapResult } from './swap.js';

type Conditions = BenchFigure['conditions'];

const shares: readonly (readonly [name: string, share: number])[] = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['max', 1],
];

/** Swaps after which memory has settled. */
export const settlingSwaps = 50;

/** How many of the last and of the first settled looks at memory make one figure. */
const looks = 10;

/** Memory at the end less memory when it had settled; undefined when it was not watched. */
export function growthBytes(rssBytes: readonly number[]): number | undefined {
  const settled = rssBytes.slice(settlingSwaps);
  return settled.length === 0 ? undefined : median(settled.slice(-looks)) - median(settled.slice(0, looks));
}

/** Latencies with swaps beside those without, in all windows together; failures; memory. */
export function swapFigures(result: SwapResult, conditions: Conditions): readonly BenchFigure[] {
  const { load, calm, swapping, swapMs, refused, rssBytes } = result;
  const figure = (name: string, unit: string, value: number): BenchFigure => ({
    name: `swap/${name}`,
    unit,
    value,
    conditions: { ...conditions, requests: load.requests, swaps: swapMs.length },
  });
  const growth = growthBytes(rssBytes);
  return [
    figure('failed', 'requests', load.failed),
    figure('wrong-version', 'requests', load.wrongVersion),
    figure('wrong-output', 'requests', load.wrongOutput),
    figure('refused-swaps', 'swaps', refused),
    ...shares.map(([name, share]) =>
      againstPeer(
        figure(name, 'ms', percentile(swapping.flat(), share)),
        'without swaps',
        percentile(calm.flat(), share),
      ),
    ),
    figure('duration', 'ms', median(swapMs)),
    ...(growth === undefined ? [] : [figure('rss-growth', 'bytes', growth)]),
  ];
}

/** The table for people. */
export function describeSwap(
  { load, calm, swapping, swapMs, refused, rssBytes }: SwapResult,
  conditions: Conditions,
): string {
  const row = (name: string, windows: readonly (readonly number[])[]): readonly string[] => [
    `  ${name}`,
    String(windows.flat().length),
    ...shares.map(([, share]) => percentile(windows.flat(), share).toFixed(2)),
  ];
  const ratio = (share: number): string =>
    (percentile(swapping.flat(), share) / percentile(calm.flat(), share)).toFixed(2);
  const growth = growthBytes(rssBytes);
  return [
    describeConditions(conditions),
    '',
    table(
      ['  windows', 'requests', 'p50 ms', 'p99 ms', 'max ms'],
      [
        row('without swaps', calm),
        row('with swaps', swapping),
        ['  ratio', '', ...shares.map(([, share]) => ratio(share))],
      ],
    ),
    '',
    `  ${load.requests} requests in all: ${load.failed} failed, ${load.wrongVersion} named a version not in service, ` +
      `${load.wrongOutput} had other bytes than their version's`,
    ...load.words.map((words) => `    ${words}`),
    `  ${swapMs.length} swaps, median ${median(swapMs).toFixed(0)} ms, longest ${Math.max(...swapMs).toFixed(0)} ms; ${refused} refused`,
    ...(growth === undefined
      ? []
      : [
          `  memory grew by ${(growth / 1e6).toFixed(1)} MB over ${rssBytes.length - settlingSwaps} swaps after the first ${settlingSwaps}`,
        ]),
  ].join('\n');
}

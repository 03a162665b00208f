import { table } from '../table.js';
import { describeConditions } from './conditions.js';
import { againstPeer, type BenchFigure, median } from './figure.js';
import type { LoadOnServer } from './load.js';
import type { ServerResult } from './serve.js';

type Conditions = BenchFigure['conditions'];

const loadMeasures: readonly (readonly [name: string, unit: string, of: (load: LoadOnServer) => number])[] = [
  ['throughput', 'requests/s', ({ requestsPerSecond }) => requestsPerSecond],
  ['p50', 'ms', ({ p50Ms }) => p50Ms],
  ['p99', 'ms', ({ p99Ms }) => p99Ms],
  ['cpu', 'ms/request', ({ frontCpuMs, childrenCpuMs }) => frontCpuMs + childrenCpuMs],
  ['client-cpu', 'ms/request', ({ clientCpuMs }) => clientCpuMs ?? Number.NaN],
];

/** Every figure of each of our servers beside each peer's. */
export function serveFigures(results: readonly ServerResult[], conditions: Conditions): readonly BenchFigure[] {
  const peers = results.filter(({ server }) => !server.ours);
  return results
    .filter(({ server }) => server.ours)
    .flatMap((own) => {
      const setUp = { ...conditions, server: own.server.name, setUp: own.server.setUp };
      const beside = (
        figure: BenchFigure,
        of: (result: ServerResult) => number,
        others = peers,
      ): readonly BenchFigure[] =>
        others.length === 0 ? [figure] : others.map((peer) => againstPeer(figure, peer.server.name, of(peer)));
      const figuresOf = (protocol: 'loads' | 'rest', prefix: string): readonly BenchFigure[] =>
        [...own[protocol].keys()].flatMap((concurrency) =>
          loadMeasures.flatMap(([name, unit, of]) => {
            const value = (result: ServerResult): number => median((result[protocol].get(concurrency) ?? []).map(of));
            const figure = {
              name: `${own.server.name}/${prefix}${concurrency}-clients/${name}`,
              unit,
              value: value(own),
              conditions: { ...setUp, concurrency },
            };
            const there = peers.filter((peer) => peer[protocol].has(concurrency));
            return Number.isNaN(figure.value) ? [] : beside(figure, value, there);
          }),
        );
      const single = (name: string, unit: string, of: (result: ServerResult) => number): readonly BenchFigure[] =>
        beside({ name: `${own.server.name}/${name}`, unit, value: of(own), conditions: setUp }, of);
      return [
        ...figuresOf('loads', ''),
        ...figuresOf('rest', 'rest/'),
        ...single('start', 'ms', ({ readyMs }) => median(readyMs)),
        ...single('rss', 'bytes', rssBytes),
        ...single('pss', 'bytes', ({ memory }) => median(memory.map(({ pssBytes }) => pssBytes))),
        ...photoFigures(own, setUp),
      ];
    });
}

function photoFigures({ server, photo }: ServerResult, conditions: Conditions): readonly BenchFigure[] {
  if (photo.length === 0) return [];
  const told = { ...conditions, photo: '640 x 480 JPEG', photoBytes: photo[0]?.photoBytes ?? 0 };
  const figure = (name: string, values: readonly number[]): BenchFigure => ({
    name: `${server.name}/photo/${name}`,
    unit: 'ms',
    value: median(values),
    conditions: told,
  });
  return [
    figure(
      'total',
      photo.map(({ totalMs }) => totalMs),
    ),
    figure(
      'infer',
      photo.map(({ inferMs }) => inferMs),
    ),
    figure(
      'beside-infer',
      photo.map(({ besideMs }) => besideMs),
    ),
  ];
}

/** The whole tree's, median of the rounds. */
function rssBytes({ memory }: ServerResult): number {
  return median(memory.map(({ frontBytes, childrenBytes }) => childrenBytes.reduce((a, b) => a + b, frontBytes)));
}

/** The tables for people. */
export function describeServe(results: readonly ServerResult[], conditions: Conditions): string {
  const loads = (['loads', 'rest'] as const).flatMap((protocol) => loadTables(results, protocol));
  const others = results.map(({ server, readyMs, memory, photo }) => [
    `  ${server.name}`,
    median(readyMs).toFixed(0),
    megabytes(median(memory.map(({ frontBytes }) => frontBytes))),
    (memory[0]?.childrenBytes ?? [])
      .map((_, i) => megabytes(median(memory.map(({ childrenBytes }) => childrenBytes[i] ?? 0))))
      .join(' + '),
    megabytes(median(memory.map(({ pssBytes }) => pssBytes))),
    photo.length === 0
      ? ''
      : `${middle(photo, 'totalMs')} = ${middle(photo, 'inferMs')} + ${middle(photo, 'besideMs')}`,
    server.setUp,
  ]);
  const columns = [
    '  server',
    'start ms',
    'front MB',
    'children MB',
    'all Pss MB',
    'photo ms = run + beside',
    'set up',
  ];
  return [describeConditions(conditions), ...loads, table(columns, others)].join('\n\n');
}

/** A table for each number of requests at a time, of the servers that were measured so. */
function loadTables(results: readonly ServerResult[], protocol: 'loads' | 'rest'): readonly string[] {
  const measured = results.filter((result) => result[protocol].size > 0);
  return [...(measured[0]?.[protocol].keys() ?? [])].map((concurrency) => {
    const rows = measured.map((result) => {
      const all = result[protocol].get(concurrency) ?? [];
      const middle = (value: (load: LoadOnServer) => number): number => median(all.map(value));
      return [
        `  ${result.server.name}`,
        middle(({ requestsPerSecond }) => requestsPerSecond).toFixed(0),
        middle(({ p50Ms }) => p50Ms).toFixed(2),
        middle(({ p99Ms }) => p99Ms).toFixed(2),
        middle(({ frontCpuMs }) => frontCpuMs).toFixed(2),
        middle(({ childrenCpuMs }) => childrenCpuMs).toFixed(2),
        middle(({ clientCpuMs }) => clientCpuMs ?? Number.NaN).toFixed(2),
      ];
    });
    const columns = ['requests/s', 'p50 ms', 'p99 ms', 'front cpu ms', 'children cpu ms', 'client cpu ms'];
    return table([`  ${concurrency} at a time${protocol === 'rest' ? ', REST' : ''}`, ...columns], rows);
  });
}

function middle(photos: ServerResult['photo'], of: 'totalMs' | 'inferMs' | 'besideMs'): string {
  return median(photos.map((photo) => photo[of])).toFixed(2);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

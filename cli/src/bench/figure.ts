/** One measured figure; `ratio` is value : peerValue. */
export interface BenchFigure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly peer?: string;
  readonly peerValue?: number;
  readonly ratio?: number;
  readonly conditions: Readonly<Record<string, string | number>>;
}

/** What a peer was measured at, beside our own value. */
export function againstPeer(figure: BenchFigure, peer: string, peerValue: number): BenchFigure {
  const ratio = peerValue === 0 ? {} : { ratio: figure.value / peerValue };
  return { ...figure, peer, peerValue, ...ratio };
}

/** The median of several runs. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

import { table } from '../table.js';
import { type Agreement, agreementOf, type PhotoVerdict, pairedDifference, verdictOf } from './agreement.js';
import type { Conversion } from './convert-net.js';
import { againstPeer, type BenchFigure } from './figure.js';
import type { Judged } from './judge-files.js';
import type { BenchNet } from './nets.js';

/** What was measured of one net; `judged` is missing where there is nothing to compare with. */
export interface NetResult {
  readonly net: BenchNet;
  readonly conversions: readonly Conversion[];
  readonly judged: Judged | undefined;
}

/** What two files are compared by. */
interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly more: 'better' | 'worse';
  readonly of: (agreement: Agreement) => number;
  readonly ofPhoto: (verdict: PhotoVerdict) => number;
}

const measures: readonly Measure[] = [
  { name: 'agreement', unit: 'share', more: 'better', of: (a) => a.agreement, ofPhoto: (v) => v.agree },
  { name: 'mean-abs-error', unit: 'score', more: 'worse', of: (a) => a.meanAbsError, ofPhoto: (v) => v.absError },
  { name: 'accuracy', unit: 'share', more: 'better', of: (a) => a.accuracy, ofPhoto: (v) => v.right },
];

/** The figures of one net, each of ours beside each of the peers'; alone where there are none. */
export function netFigures(result: NetResult, machine: BenchFigure['conditions']): readonly BenchFigure[] {
  const { net, conversions } = result;
  const peers = conversions.filter(({ ours }) => !ours);
  return conversions
    .filter(({ ours }) => ours)
    .flatMap((own) => {
      const conditions = { ...machine, net: net.name, parameters: net.parameters, maker: own.maker };
      return [...judgedFigures(result, own, peers, conditions), ...costFigures(own, peers, conditions)];
    });
}

function judgedFigures(
  { net, judged }: NetResult,
  own: Conversion,
  peers: readonly Conversion[],
  machine: BenchFigure['conditions'],
): readonly BenchFigure[] {
  const ours = judged?.verdicts.get(own.maker);
  if (judged === undefined || ours === undefined) return [];
  const agreement = agreementOf(ours);
  return measures.flatMap((measure) => {
    const conditions = {
      ...machine,
      backend: judged.backend,
      photos: agreement.photos,
      floatAccuracy: agreement.floatAccuracy,
      ...(measure.name === 'agreement' ? { margin95: agreement.agreementMargin } : {}),
    };
    const figure = {
      name: `${net.name}/${measure.name}`,
      unit: measure.unit,
      value: measure.of(agreement),
      conditions,
    };
    const beside = peers.flatMap((peer) => {
      const theirs = judged.verdicts.get(peer.maker);
      if (theirs === undefined) return [];
      const difference = pairedDifference(ours.map(measure.ofPhoto), theirs.map(measure.ofPhoto));
      const told = { differenceLow95: difference.low, differenceHigh95: difference.high };
      const verdict = verdictOf(difference, measure.more);
      const withVerdict = { ...figure, conditions: { ...conditions, ...told, verdict } };
      return [againstPeer(withVerdict, peer.maker, measure.of(agreementOf(theirs)))];
    });
    return beside.length > 0 ? beside : [figure];
  });
}

function costFigures(
  own: Conversion,
  peers: readonly Conversion[],
  conditions: BenchFigure['conditions'],
): readonly BenchFigure[] {
  const costs: readonly (readonly [string, string, (conversion: Conversion) => number | null])[] = [
    ['convert', 's', ({ seconds }) => seconds],
    ['process', 's', ({ processSeconds }) => processSeconds],
    ['cpu', 's', ({ cpuSeconds }) => cpuSeconds],
    ['peak-rss', 'bytes', ({ peakRssBytes }) => peakRssBytes],
  ];
  return costs.flatMap(([name, unit, of]) => {
    const value = of(own);
    if (value === null) return [];
    const figure = { name: `${String(conditions['net'])}/${name}`, unit, value, conditions };
    const beside = peers.flatMap((peer) => {
      const theirs = of(peer);
      return theirs === null ? [] : [againstPeer(figure, peer.maker, theirs)];
    });
    return beside.length > 0 ? beside : [figure];
  });
}

/** The lines of one net for people: a line for each maker, then what the comparison says. */
export function describeNet({ net, conversions, judged }: NetResult): string {
  const agreements = new Map([...(judged?.verdicts ?? [])].map(([maker, verdicts]) => [maker, agreementOf(verdicts)]));
  const [first] = agreements.values();
  const head =
    first === undefined
      ? `${net.name} (${net.parameters.toLocaleString('en')} parameters; time alone)`
      : `${net.name} (${net.parameters.toLocaleString('en')} parameters, float accuracy ${first.floatAccuracy.toFixed(4)}, ` +
        `${first.photos.toLocaleString('en')} photos, ${judged?.backend ?? ''})`;
  const rows = conversions.map(({ maker, seconds, processSeconds, cpuSeconds, peakRssBytes }) => {
    const agreement = agreements.get(maker);
    return [
      `  ${maker}`,
      ...(agreement === undefined ? ['', '', '', '', ''] : shown(agreement)),
      seconds?.toFixed(2) ?? '',
      processSeconds?.toFixed(2) ?? '',
      cpuSeconds?.toFixed(2) ?? '',
      peakRssBytes === null ? '' : String(Math.round(peakRssBytes / 1e6)),
    ];
  });
  const columns = [
    '  maker',
    'agreement',
    'mean error',
    'max error',
    'accuracy',
    'ties',
    's',
    'process s',
    'cpu s',
    'MB',
  ];
  return [head, table(columns, rows), ...comparisons(conversions, judged)].join('\n');
}

function shown({ agreement, agreementMargin, meanAbsError, maxAbsError, accuracy, ties }: Agreement): string[] {
  return [
    `${agreement.toFixed(4)} ± ${agreementMargin.toFixed(4)}`,
    meanAbsError.toFixed(5),
    maxAbsError.toFixed(3),
    accuracy.toFixed(4),
    ties.toFixed(4),
  ];
}

/** Each of ours against the better of the peers, for the two measures that decide. */
function comparisons(conversions: readonly Conversion[], judged: Judged | undefined): readonly string[] {
  if (judged === undefined) return [];
  const of = (ours: boolean): (readonly [string, readonly PhotoVerdict[]])[] =>
    conversions
      .filter((conversion) => conversion.ours === ours)
      .flatMap(({ maker }) => {
        const verdicts = judged.verdicts.get(maker);
        return verdicts === undefined ? [] : [[maker, verdicts] as const];
      });
  return of(true).flatMap(([maker, ours]) =>
    measures.slice(0, 2).flatMap((measure) => {
      const value = ([, verdicts]: readonly [string, readonly PhotoVerdict[]]): number =>
        measure.of(agreementOf(verdicts));
      const [best] = of(false).toSorted((a, b) => (value(b) - value(a)) * (measure.more === 'better' ? 1 : -1));
      if (best === undefined) return [];
      const difference = pairedDifference(ours.map(measure.ofPhoto), best[1].map(measure.ofPhoto));
      const { mean, low, high } = difference;
      const interval = `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
      return [`  ${maker}, ${measure.name} against ${best[0]}: ${interval}: ${verdictOf(difference, measure.more)}`];
    }),
  );
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(5)}`;
}

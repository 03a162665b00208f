/** What `atoll compile` tells of its result. */
import { printable } from '@atoll/base/printable';
import { table } from './table.js';

/** The report that a compilation leaves as plan.json. */
export interface CompileReport {
  readonly compiled: boolean;
  readonly compiler: string | null;
  readonly files: readonly string[];
  readonly ops: readonly { readonly op: string; readonly count: number; readonly status: string }[];
  readonly onEdgeTpu: number;
  readonly onCpu: number;
  readonly subgraphs: number;
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly warnings: readonly string[];
  readonly models: readonly ModelPart[];
}

/** What it tells of one model. */
interface ModelPart {
  readonly model: string;
  readonly parameterBytes: { readonly low: number; readonly high: number };
  readonly partition: {
    readonly index: number;
    readonly op: string;
    readonly tensor: string;
    readonly lostOps: number;
  } | null;
  readonly advice: readonly { readonly text: string; readonly gain: number }[];
  readonly plan: readonly { readonly status: string; readonly verdict: string; readonly compiled?: boolean }[];
}

/** The report as text; its warnings have been told while the job ran. */
export function describeCompilation(report: CompileReport, out: string): string {
  const head = report.compiled
    ? `Compiled by the Edge TPU compiler ${report.compiler ?? ''} to ${out}`
    : `A plan, not a compiled file, is in ${out}`;
  const rows = report.ops.map(({ op, count, status }) => [printable(op), String(count), printable(status)]);
  const [low, high] = (['low', 'high'] as const).map((side) =>
    report.models.reduce((sum, { parameterBytes }) => sum + parameterBytes[side], 0),
  );
  const estimated = report.compiled ? '' : `, estimated: between ${bytes(low ?? 0)} and ${bytes(high ?? 0)} in all`;
  return [
    head,
    table(['Operator', 'Count', 'Status'], rows),
    `${report.onEdgeTpu} ops on the Edge TPU, ${report.onCpu} on the CPU; parameters: ` +
      `${bytes(report.onChipBytes)} bytes on the chip, ${bytes(report.offChipBytes)} off it${estimated}`,
    ...report.models.flatMap((model) => describeModel(model, report)),
  ].join('\n');
}

/** Advice of little use is left to plan.json. */
const shownAdvice = 5;

function describeModel(model: ModelPart, { compiled, models }: CompileReport): readonly string[] {
  const { partition, plan } = model;
  const name = models.length === 1 ? 'the model' : printable(model.model);
  const useful = model.advice.filter(({ gain }) => gain > 0).slice(0, shownAdvice);
  const guesses = compiled ? 0 : plan.filter(({ verdict }) => verdict === 'uncertain').length;
  const ends = compiled ? 'by the rules the Edge TPU part of' : 'the Edge TPU part of';
  return [
    ...(partition === null
      ? []
      : [
          `${ends} ${name} ends at operator ${partition.index}, ${printable(partition.op)} ${printable(partition.tensor)} ` +
            `(${plan[partition.index]?.status ?? 'not mapped'}); ${partition.lostOps} behind it could map`,
        ]),
    ...(guesses === 0 ? [] : [`operators of ${name} whose place is a guess: ${guesses}`]),
    ...(useful.length === 0 ? [] : [`to map more of ${name}:`]),
    ...useful.map(({ gain, text }) => `  +${gain}  ${printable(text)}`),
  ];
}

function bytes(count: number): string {
  return count.toLocaleString('en');
}

/** What `atoll quantize` tells of its result. */
import { AtollError, reasonOf } from '@atoll/base/error';

/** An input or output of the model. */
export interface Border {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Null for a float one. */
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** What the quantizer-compiler's report.json holds and people ask for; it may hold more. */
export interface QuantizeReport {
  readonly file: string;
  readonly sizeBytes: number;
  readonly floatSizeBytes: number;
  readonly seconds: number;
  readonly mode: string;
  readonly input: Border;
  readonly output: Border;
  readonly eval?: {
    readonly images: number;
    readonly floatTop1?: number;
    readonly int8Top1?: number;
    readonly agreement: number;
    readonly meanAbsError: number;
    readonly maxAbsError: number;
  };
  /** The layer that is farthest from the float model's. */
  readonly costliest?: { readonly name: string; readonly sqnrDb: number };
  readonly edgeTpu?: { readonly onEdgeTpu: number; readonly onCpu: number };
  readonly warnings: readonly string[];
}

/** Reads report.json. */
export function parseQuantizeReport(bytes: Uint8Array): QuantizeReport {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as QuantizeReport;
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot read the report: ${reasonOf(error)}`, { cause: error });
  }
}

/** Sizes, how near the model is to the float one, where it loses most, how to feed and read it, and where the page is. */
export function describeQuantization(report: QuantizeReport, reportFolder?: string): string {
  const { mode, sizeBytes, floatSizeBytes, input, output } = report;
  const before = bytes(floatSizeBytes);
  const after = bytes(sizeBytes).padStart(before.length);
  const rows: (readonly [string, string])[] = [
    ['float', before.padStart(after.length)],
    [mode === 'full-integer' ? 'int8' : mode, `${after}, ${(floatSizeBytes / sizeBytes).toFixed(2)} times smaller`],
    ...comparison(report),
  ];
  const { costliest } = report;
  if (costliest !== undefined)
    rows.push(['costliest', `${costliest.name}: ${costliest.sqnrDb.toFixed(1)} dB of signal over error`]);
  if (mode === 'full-integer' && report.edgeTpu !== undefined)
    rows.push(['Edge TPU', `${report.edgeTpu.onEdgeTpu} ops on it by plan, ${report.edgeTpu.onCpu} on the CPU`]);
  rows.push(['feed', `${border(input)}${real(input)}`], ['read', `${border(output)}${real(output)}`]);
  if (reportFolder !== undefined) rows.push(['report', `${reportFolder}/report.html`]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [report.file, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n');
}

function comparison({ eval: compared }: QuantizeReport): readonly (readonly [string, string])[] {
  if (compared === undefined) return [];
  const { images, floatTop1, int8Top1, agreement, meanAbsError } = compared;
  const right =
    floatTop1 === undefined || int8Top1 === undefined
      ? ''
      : `; right ${percent(int8Top1)}, float ${percent(floatTop1)}`;
  return [
    [
      'agreement',
      `${percent(agreement)} on ${images} photos; mean error of a score ${meanAbsError.toFixed(4)}${right}`,
    ],
  ];
}

function border({ type, shape }: Border): string {
  return `${type} [${shape.join(', ')}]`;
}

/** What an integer stands for; a float stands for itself. */
function real({ type, scale, zeroPoint }: Border): string {
  if (type === 'float32' || scale === null) return '';
  const zero = zeroPoint ?? 0;
  const moved = zero === 0 ? 'q' : `(q ${zero < 0 ? '+' : '-'} ${Math.abs(zero)})`;
  return `, real = ${Number(scale.toPrecision(7))} * ${moved}`;
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function bytes(count: number): string {
  return `${count.toLocaleString('en')} bytes`;
}

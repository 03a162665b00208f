import { AtollError, reasonOf } from '@atoll/base/error';

/** What the quantizer-compiler's report.json holds and people ask for; it may hold more. */
export interface QuantizeReport {
  readonly file: string;
  readonly sizeBytes: number;
  readonly floatSizeBytes: number;
  readonly seconds: number;
  readonly eval?: {
    readonly images: number;
    readonly floatTop1?: number;
    readonly int8Top1?: number;
    readonly agreement: number;
    readonly meanAbsError: number;
    readonly maxAbsError: number;
  };
  readonly edgeTpu: { readonly onEdgeTpu: number; readonly onCpu: number };
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

/** The size table of float against int8, the comparison, and what the Edge TPU gets. */
export function describeQuantization(report: QuantizeReport): string {
  const ratio = report.floatSizeBytes / report.sizeBytes;
  const lines = [
    report.file,
    `  float  ${bytes(report.floatSizeBytes)}`,
    `  int8   ${bytes(report.sizeBytes)}   ${ratio.toFixed(2)} times smaller`,
  ];
  if (report.eval !== undefined) {
    const { images, floatTop1, int8Top1, agreement, meanAbsError } = report.eval;
    const top1 =
      floatTop1 === undefined || int8Top1 === undefined
        ? ''
        : `  top-1 float ${percent(floatTop1)}, int8 ${percent(int8Top1)};`;
    lines.push(
      `${top1}  agreement ${percent(agreement)} on ${images} photos; mean error of a score ${meanAbsError.toFixed(4)}`,
    );
  }
  lines.push(`  Edge TPU plan: ${report.edgeTpu.onEdgeTpu} ops on the Edge TPU, ${report.edgeTpu.onCpu} on the CPU`);
  return lines.join('\n');
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function bytes(count: number): string {
  return `${count.toLocaleString('en')} bytes`.padStart(18);
}

/** What `atoll compile` tells of its result. */

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
}

/** The report as text; its warnings have been told while the job ran. */
export function describeCompilation(report: CompileReport, out: string): string {
  const head = report.compiled
    ? `Compiled by the Edge TPU compiler ${report.compiler ?? ''} to ${out}`
    : `A plan, not a compiled file, is in ${out}`;
  return [
    head,
    ...report.ops.map(({ op, count, status }) => `  ${op.padEnd(24)} ${String(count).padStart(4)}  ${status}`),
    `${report.onEdgeTpu} ops on the Edge TPU, ${report.onCpu} on the CPU; ` +
      `${report.onChipBytes.toLocaleString('en')} bytes on the chip, ${report.offChipBytes.toLocaleString('en')} off it`,
  ].join('\n');
}

// Reads what edgetpu_compiler prints, from version 2.0 to 16.0: standard output (one block a model) and the .log file with the
// operator table. Only words and numbers are taken from it; whether a file runs on the Edge TPU is judged by the file itself.

/** One row of the operator table: the compiler writes one per operator and status, in no fixed order. */
export interface CompilerRow {
  readonly op: string;
  readonly count: number;
  readonly status: string;
}

/** What the compiler says of one model; numbers that it did not print are null. */
export interface CompilerModel {
  readonly inputModel: string;
  readonly outputModel: string;
  readonly operationLog: string | null;
  readonly subgraphs: number | null;
  readonly operations: number | null;
  readonly onEdgeTpu: number | null;
  readonly onCpu: number | null;
  readonly onChipBytes: number | null;
  readonly onChipRemainingBytes: number | null;
  readonly offChipBytes: number | null;
  readonly rows: readonly CompilerRow[];
}

/** What one run of the compiler says. `failure` is its own reason, or null when it reports success. */
export interface CompilerOutput {
  readonly version: string | null;
  readonly models: readonly CompilerModel[];
  readonly failure: string | null;
}

/** Parses standard output and standard error, joined. */
export function parseCompilerOutput(text: string): CompilerOutput {
  const blocks = text.split(/^(?=Input model: )/m);
  const models = blocks.filter((block) => block.startsWith('Input model: ')).map(parseModel);
  return { version: /^Edge TPU Compiler version (\S+)/m.exec(text)?.[1] ?? null, models, failure: failureIn(text) };
}

/** The rows of an operator table, in a .log file or in output printed with -s. */
export function parseOperatorTable(text: string): readonly CompilerRow[] {
  const rows: CompilerRow[] = [];
  let inTable = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^Operator\s+Count\s+Status\s*$/.test(line)) {
      inTable = true;
      continue;
    }
    const row = inTable ? /^([A-Z0-9_]+)\s+(\d+)\s+(\S.*?)\s*$/.exec(line) : null;
    if (row !== null) rows.push({ op: row[1] ?? '', count: Number(row[2]), status: row[3] ?? '' });
    else if (line.trim() !== '') inTable = false;
  }
  return rows;
}

function parseModel(block: string): CompilerModel {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*?)\\s*$`, 'm').exec(block)?.[1] ?? null;
  const count = (name: string): number | null => {
    const found = field(name);
    return found !== null && /^\d+$/.test(found) ? Number(found) : null;
  };
  const size = (name: string): number | null => sizeBytes(field(name));
  const operations = count('Total number of operations');
  const subgraphs = count('Number of Edge TPU subgraphs');
  // Both lines are absent when everything maps, and when the model is cut short before them.
  const everything = subgraphs === null || subgraphs === 0 ? null : operations;
  const onEdgeTpu = count('Number of operations that will run on Edge TPU') ?? everything;
  const onCpu = count('Number of operations that will run on CPU') ?? (everything === null ? null : 0);
  return {
    inputModel: field('Input model') ?? '',
    outputModel: field('Output model') ?? '',
    operationLog: field('Operation log'),
    subgraphs,
    operations,
    onEdgeTpu,
    onCpu,
    onChipBytes: size('On-chip memory used for caching model parameters'),
    onChipRemainingBytes: size('On-chip memory remaining for caching model parameters'),
    offChipBytes: size('Off-chip memory used for streaming uncached model parameters'),
    rows: parseOperatorTable(block),
  };
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** "604.50KiB" in bytes; the compiler prints two decimals. */
function sizeBytes(text: string | null): number | null {
  const parts = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(text ?? '');
  return parts === null ? null : Math.round(Number(parts[1]) * (units[parts[2] ?? ''] ?? 1));
}

/** The compiler's reason for a failure; a search for a delegate may fail often and succeed at the end. */
function failureIn(text: string): string | null {
  if (/^(Compilation succeeded!|Models? compiled successfully in )/m.test(text)) return null;
  const reasons = [
    /^Compilation failed: (.+?)\s*$/gm,
    /^(Internal compiler error)\. Aborting!/gm,
    /^Invalid model: .*\n(Model not quantized)\s*$/gm,
    /^(Invalid model): .*$/gm,
    /^ERROR: (.+?)\s*$/gm,
    /^(Compilation failed)!/gm,
  ];
  for (const reason of reasons) {
    const last = [...text.matchAll(reason)].at(-1)?.[1];
    if (last !== undefined) return last;
  }
  return 'it printed no result';
}

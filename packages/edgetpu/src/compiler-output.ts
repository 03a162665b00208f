// Reads what edgetpu_compiler prints, from version 2.0 to 16.0: standard output and the .log file, of one model, of several
// compiled together, of a pipeline's segments, and of a search through shorter and shorter prefixes. Only words and numbers are
// taken from it; whether a file runs on the Edge TPU is judged by the file itself.
import { statuses } from './status.js';

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
  readonly inputSizeBytes: number | null;
  readonly outputSizeBytes: number | null;
  readonly operationLog: string | null;
  readonly subgraphs: number | null;
  readonly operations: number | null;
  readonly onEdgeTpu: number | null;
  readonly onCpu: number | null;
  readonly onChipBytes: number | null;
  readonly onChipRemainingBytes: number | null;
  readonly offChipBytes: number | null;
  /** Sorted by operator and status, so that the same table gives the same rows. */
  readonly rows: readonly CompilerRow[];
}

/** One try at a model, a segment or a prefix of its operators. */
export interface CompilerAttempt {
  /** How many operators it took; only a search says so. */
  readonly operations: number | null;
  /** The tensors at which a search cut the model. */
  readonly intermediateTensors: readonly string[];
  /** The compiler's own timer; from version 16 on. */
  readonly timerSeconds: number | null;
  /** How long it took, when it succeeded. */
  readonly durationMs: number | null;
  /** The compiler's own reason, when it failed. */
  readonly failure: string | null;
}

/** What one run of the compiler says. `failure` is its own reason, or null when it reports success. */
export interface CompilerOutput {
  readonly version: string | null;
  readonly attempts: readonly CompilerAttempt[];
  readonly models: readonly CompilerModel[];
  readonly failure: string | null;
}

/** Parses standard output and standard error, joined; or one or more .log files. */
export function parseCompilerOutput(text: string): CompilerOutput {
  const plain = text.replaceAll('\r\n', '\n');
  const attempts = attemptsIn(plain);
  const models = plain
    .split(/^(?=Input model: |Input: )/m)
    .filter((block) => /^Input(?: model)?: /.test(block))
    .map(parseModel);
  return { version: versionIn(plain), attempts, models, failure: failureOf(plain, attempts, models) };
}

/** The version in what `edgetpu_compiler -v` prints, or in the first line of any other output; null when there is none. */
export function versionIn(text: string): string | null {
  return /^Edge TPU Compiler version (\S+)\s*$/m.exec(text)?.[1] ?? null;
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
  return rows.toSorted((a, b) => compareText(a.op, b.op) || compareText(a.status, b.status) || a.count - b.count);
}

function parseModel(block: string): CompilerModel {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*?)[ \\t]*$`, 'm').exec(block)?.[1] ?? null;
  const count = (name: string): number | null => {
    const found = field(name);
    return found !== null && /^\d{1,9}$/.test(found) ? Number(found) : null;
  };
  const memory = (name: string): number | null => sizeBytes(field(`${name} model parameters`));
  const rows = parseOperatorTable(block);
  const subgraphs = count('Number of Edge TPU subgraphs');
  const operations = count('Total number of operations') ?? (rows.length > 0 ? sum(rows) : null);
  const onEdgeTpu = count('Number of operations that will run on Edge TPU') ?? mappedOf(rows, subgraphs, operations);
  const onChipBytes = memory('On-chip memory used for caching');
  // Version 2.0 prints what there is, later ones what is left.
  const available = memory('On-chip memory available for caching');
  const left = available === null || onChipBytes === null ? null : Math.max(0, available - onChipBytes);
  return {
    inputModel: field('Input model') ?? field('Input') ?? '',
    outputModel: field('Output model') ?? field('Output') ?? '',
    inputSizeBytes: sizeBytes(field('Input size')),
    outputSizeBytes: sizeBytes(field('Output size')),
    operationLog: field('Operation log'),
    subgraphs,
    operations,
    onEdgeTpu,
    onCpu:
      count('Number of operations that will run on CPU') ??
      (operations === null || onEdgeTpu === null ? null : operations - onEdgeTpu),
    onChipBytes,
    onChipRemainingBytes: memory('On-chip memory remaining for caching') ?? left,
    offChipBytes: memory('Off-chip memory used for streaming uncached'),
    rows,
  };
}

/** The two counts are not printed when every operator maps, nor in a .log; then the table or the other figures tell. */
function mappedOf(rows: readonly CompilerRow[], subgraphs: number | null, operations: number | null): number | null {
  if (rows.length > 0 && sum(rows) === operations) return sum(rows.filter(({ status }) => status === statuses.mapped));
  if (subgraphs === null) return null;
  return subgraphs === 0 ? 0 : operations;
}

function sum(rows: readonly CompilerRow[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** "604.50KiB" in bytes; the compiler prints two decimals. */
function sizeBytes(text: string | null): number | null {
  const parts = /^(\d{1,12}(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(text ?? '');
  return parts === null ? null : Math.round(Number(parts[1]) * (units[parts[2] ?? ''] ?? 1));
}

const succeeded = /^Models? compiled successfully in (\d+) ms/m;

/** A try begins with the size of a prefix, or with the timer; older versions try once and announce neither. */
function attemptsIn(text: string): readonly CompilerAttempt[] {
  const start = /^(?=Try to compile segment with )|^(?=Started a compilation timeout timer )/m;
  const parts: string[] = [];
  for (const piece of text.split(start)) {
    const last = parts.at(-1);
    const continues = last !== undefined && last.startsWith('Try to compile') && !/^Started a/m.test(last);
    if (continues && piece.startsWith('Started a')) parts[parts.length - 1] = last + piece;
    else parts.push(piece);
  }
  const tried = parts.filter((part) => /^(?:Try to compile|Started a)/.test(part));
  return (tried.length > 0 ? tried : parts.filter((part) => succeeded.test(part))).map((part) => {
    const number = (pattern: RegExp): number | null => {
      const found = pattern.exec(part)?.[1];
      return found === undefined ? null : Number(found);
    };
    const durationMs = number(succeeded);
    return {
      operations: number(/^Try to compile segment with (\d{1,9}) ops/m),
      intermediateTensors: /^Intermediate tensors: (.*?)\s*$/m.exec(part)?.[1]?.split(',') ?? [],
      timerSeconds: number(/^Started a compilation timeout timer of (\d{1,9}) seconds/m),
      durationMs,
      failure: durationMs === null ? reasonIn(part) : null,
    };
  });
}

/** A search may fail often and succeed at the end: the last try counts. */
function failureOf(
  text: string,
  attempts: readonly CompilerAttempt[],
  models: readonly CompilerModel[],
): string | null {
  const last = attempts.at(-1);
  if (last?.durationMs !== undefined && last.durationMs !== null) return null;
  if (last === undefined && (models.length > 0 || /^Compilation succeeded!/m.test(text))) return null;
  return reasonIn(text) ?? 'it printed no result';
}

/** The compiler's last reason for a failure. */
function reasonIn(text: string): string | null {
  const reasons = [
    /^Compilation failed: (.+?)\s*$/gm,
    /^(Compilation timeout)\b/gm,
    /^(Internal compiler error)\. Aborting!/gm,
    /^(Model not quantized)\s*$/gm,
    /^(Invalid model): .*$/gm,
    /^ERROR: (?!Registration failed)(.+?)\s*$/gm,
    /^(Didn't find op for builtin opcode .+?)\s*$/gm,
    /\b(terminating with uncaught exception .+?)\s*$/gm,
    /\b(Segmentation fault|Aborted)(?= \(core dumped\))/gm,
    /^(Compilation failed)!/gm,
  ];
  for (const reason of reasons) {
    const last = [...text.matchAll(reason)].at(-1)?.[1];
    if (last !== undefined) return last;
  }
  return null;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

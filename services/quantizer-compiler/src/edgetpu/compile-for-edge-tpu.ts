// Full-integer models for the Edge TPU: compiled by the operator's compiler where there is one, else planned by the documented
// rules. A plan is a JSON document and never carries the name of a compiled file.
import { AtollError } from '@atoll/base/error';
import { compiledFate } from '@atoll/edgetpu/compare-compiled';
import type { CompilerOptions } from '@atoll/edgetpu/compiler-options';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import { planEdgeTpu } from '@atoll/edgetpu/plan';
import type { EdgeTpuPlan, PlannedOp } from '@atoll/edgetpu/plan';
import { nearestName } from '@atoll/base/nearest';
import { printable } from '@atoll/base/printable';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { planSummary } from '../report/report.js';
import type { PlanSummary } from '../report/report.js';
import { runCompiler } from './run-compiler.js';
import type { CompiledFile, CompilerRun } from './run-compiler.js';

/** What the rules, and the compiler where there is one, say of one model. */
export interface ModelBuild extends Omit<EdgeTpuPlan, 'ops' | 'warnings' | 'onChipBytes' | 'offChipBytes'> {
  readonly model: string;
  readonly files: readonly string[];
  /** Of every operator what the rules say; `compiled` is what became of it. */
  readonly plan: readonly (PlannedOp & { readonly compiled?: boolean })[];
}

/** The report of a compilation; `files` are the artifacts beside it. */
export interface CompileReport extends PlanSummary {
  readonly compiled: boolean;
  readonly compiler: string | null;
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly models: readonly ModelBuild[];
}

/** The files and the report. */
export interface CompileResult {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly report: CompileReport;
}

interface Planned {
  readonly stem: string;
  readonly bytes: Uint8Array;
  readonly model: TfLiteModel;
  readonly plan: EdgeTpuPlan;
}

/** Compiles the models (bytes by file name) together with `compiler`, or plans them when there is none (null). */
export async function compileForEdgeTpu(
  files: ReadonlyMap<string, Uint8Array>,
  options: CompilerOptions,
  compiler: Omit<CompilerRun, 'options'> | null,
): Promise<CompileResult> {
  const models = [...files].map(([name, bytes]) => planOf(name, bytes, options));
  const stems = new Set(models.map(({ stem }) => stem));
  if (stems.size < models.length) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot compile: two models have the same name');
  }
  if (models.length === 0) throw new AtollError('INVALID_ARGUMENT', 'cannot compile: no model was given');
  for (const { stem, model } of models) checkTensors(stem, model, options.intermediateTensors);
  if (compiler === null) return planned(models, options);
  const { version, compiled } = await runCompiler(models, { ...compiler, options });
  return compiledBy(version, compiled, models);
}

function planOf(name: string, bytes: Uint8Array, options: CompilerOptions): Planned {
  // Results are named after the model, in a folder of their own.
  if (/[/\\\0]/.test(name)) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot compile ${JSON.stringify(name)}: a file name without folders is needed`,
    );
  }
  const model = readModel(bytes, name);
  if (inspectEdgeTpu(model, name) !== null) {
    throw new AtollError('INVALID_ARGUMENT', `cannot compile ${name}: it is compiled for the Edge TPU already`);
  }
  if (mainSubgraph(model).operators.length === 0) {
    throw new AtollError('INVALID_ARGUMENT', `cannot compile ${name}: it has no operators`);
  }
  return { stem: name.replace(/\.tflite$/i, ''), bytes, model, plan: planEdgeTpu(model, options) };
}

/** The compiler would fail on a name that is not there, and not say which. */
function checkTensors(stem: string, model: TfLiteModel, asked: readonly string[]): void {
  if (asked.length === 0) return;
  const { tensors, operators } = mainSubgraph(model);
  const made = new Set(operators.flatMap(({ outputs }) => outputs.map((index) => tensors[index]?.name ?? '')));
  const missing = asked.find((name) => !made.has(name));
  if (missing === undefined) return;
  const near = nearestName(missing, [...made]);
  const hint = near === undefined ? 'no operator makes it' : `no operator makes it; did you mean ${near}?`;
  throw new AtollError('INVALID_ARGUMENT', `cannot cut ${stem}.tflite at tensor ${JSON.stringify(missing)}: ${hint}`);
}

function planned(models: readonly Planned[], options: CompilerOptions): CompileResult {
  const { numSegments, searchDelegate, multipleSubgraphs } = options;
  const onlyCompiled = numSegments > 1 || searchDelegate || multipleSubgraphs;
  const report: CompileReport = {
    compiled: false,
    compiler: null,
    files: ['plan.json'],
    ...total(models.map(({ plan }) => planSummary(plan))),
    warnings: [
      'planned by the documented rules, not compiled: no Edge TPU compiler was found',
      ...(onlyCompiled
        ? ['a plan is of one Edge TPU part in one file: segments, searches and more parts need the compiler']
        : []),
      ...models.flatMap((one) => named(models, one, one.plan.warnings)),
    ],
    models: models.map(({ stem, plan }) => ({ ...buildOf(plan), model: `${stem}.tflite`, files: [], plan: plan.ops })),
  };
  return { files: new Map(), report };
}

function buildOf(plan: EdgeTpuPlan): Omit<ModelBuild, 'model' | 'files' | 'plan'> {
  const { ops: _ops, warnings: _warnings, onChipBytes: _onChip, offChipBytes: _offChip, ...rest } = plan;
  return rest;
}

function compiledBy(
  version: string | null,
  compiled: readonly (readonly CompiledFile[])[],
  models: readonly Planned[],
): CompileResult {
  const files = new Map<string, Uint8Array>();
  const builds: ModelBuild[] = [];
  const summaries: PlanSummary[] = [];
  const warnings: string[] = [];
  models.forEach((one, index) => {
    const made = compiled[index] ?? [];
    for (const { stem, bytes, log } of made) {
      files.set(`${stem}.tflite`, bytes);
      if (log !== '') files.set(`${stem}.log`, new TextEncoder().encode(log));
    }
    const { mapped, strangers } = compiledFate(
      one.model,
      made.map(({ model }) => model),
    );
    const onEdgeTpu = mapped.filter((here) => here).length;
    builds.push({
      ...buildOf(one.plan),
      model: `${one.stem}.tflite`,
      files: made.map(({ stem }) => `${stem}.tflite`),
      plan: one.plan.ops.map((op) => ({ ...op, compiled: mapped[op.index] === true })),
      onEdgeTpu,
      onCpu: mapped.length - onEdgeTpu,
      subgraphs: made.reduce((sum, { holds }) => sum + holds.packages.length, 0),
    });
    summaries.push(summaryOf(made, mapped.length, onEdgeTpu));
    warnings.push(...named(models, one, [...refusals(made), ...differences(one.plan, mapped, strangers)]));
  });
  if (models.length > 1 && tokensOf(compiled.flat()).size > 1) {
    warnings.push('the compiled models do not share the memory of the chip: each will push the others out');
  }
  const report: CompileReport = {
    compiled: true,
    compiler: version,
    files: ['plan.json', ...files.keys()],
    ...total(summaries),
    warnings,
    models: builds,
  };
  return { files, report };
}

/** Models that were compiled together carry the same token, and only those lie on the chip together. */
function tokensOf(files: readonly CompiledFile[]): ReadonlySet<string> {
  const executables = files.flatMap(({ holds }) => holds.packages.flatMap((part) => part.executables));
  return new Set(executables.map(({ parameterCachingToken }) => parameterCachingToken));
}

function summaryOf(made: readonly CompiledFile[], operators: number, onEdgeTpu: number): PlanSummary {
  const sum = (of: (file: CompiledFile) => number): number => made.reduce((all, file) => all + of(file), 0);
  return {
    ops: made.flatMap(({ rows }) => rows),
    onEdgeTpu,
    onCpu: operators - onEdgeTpu,
    subgraphs: sum(({ holds }) => holds.packages.length),
    onChipBytes: sum(({ holds }) => holds.onChipBytes),
    offChipBytes: sum(({ holds }) => holds.offChipBytes),
  };
}

/** The figures of all models; rows of the same operator and status become one. */
function total(all: readonly PlanSummary[]): PlanSummary {
  const rows = new Map<string, PlanSummary['ops'][number]>();
  for (const { op, count, status } of all.flatMap(({ ops }) => ops)) {
    const key = `${op} ${status}`;
    rows.set(key, { op, count: (rows.get(key)?.count ?? 0) + count, status });
  }
  const sum = (of: (one: PlanSummary) => number): number => all.reduce((so, one) => so + of(one), 0);
  return {
    ops: [...rows.values()],
    onEdgeTpu: sum(({ onEdgeTpu }) => onEdgeTpu),
    onCpu: sum(({ onCpu }) => onCpu),
    subgraphs: sum(({ subgraphs }) => subgraphs),
    onChipBytes: sum(({ onChipBytes }) => onChipBytes),
    offChipBytes: sum(({ offChipBytes }) => offChipBytes),
  };
}

/** Where several models are compiled together, a warning names its own. */
function named(models: readonly Planned[], { stem }: Planned, warnings: readonly string[]): readonly string[] {
  return models.length === 1 ? warnings : warnings.map((warning) => `${stem}.tflite: ${warning}`);
}

/** What would keep the runtime from loading a compiled file. */
function refusals(made: readonly CompiledFile[]): readonly string[] {
  return made.flatMap(({ stem, holds }) =>
    holds.problems.map((problem) => `the Edge TPU runtime would refuse ${stem}.tflite: ${problem}`),
  );
}

/** Operators on which compiler and rules disagree: worth knowing for the next model. */
const namedDifferences = 5;

function differences(plan: EdgeTpuPlan, mapped: readonly boolean[], strangers: readonly string[]): readonly string[] {
  const unlike = plan.ops.filter((op) => op.mapped !== (mapped[op.index] === true));
  const words = unlike.slice(0, namedDifferences).map(({ op, tensor, mapped: expected }) => {
    const [here, there] = expected ? ['the CPU', 'the Edge TPU'] : ['the Edge TPU', 'the CPU'];
    return `the compiler put ${printable(`${op} ${tensor}`)} on ${here}, the rules expect it on ${there}`;
  });
  const more = unlike.length - words.length;
  return [
    ...words,
    ...(more > 0 ? [`compiler and rules disagree on ${more} more operators`] : []),
    ...strangers
      .slice(0, namedDifferences)
      .map((one) => `the compiled file has an operator of its own: ${printable(one)}`),
  ];
}

// A full-integer model for the Edge TPU: compiled by the operator's compiler where there is one, else planned by the documented
// rules. A plan is a JSON document and never carries the name of a compiled file.
import { AtollError } from '@atoll/base/error';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import { planEdgeTpu } from '@atoll/edgetpu/plan';
import type { EdgeTpuPlan } from '@atoll/edgetpu/plan';
import { mainSubgraph } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { planSummary } from '../report/report.js';
import type { PlanSummary } from '../report/report.js';
import { runCompiler } from './run-compiler.js';
import type { CompilerResult, CompilerRun } from './run-compiler.js';

/** The report of a compilation; `files` are the artifacts beside it. `plan` tells of every operator what the rules say. */
export interface CompileReport extends PlanSummary {
  readonly compiled: boolean;
  readonly compiler: string | null;
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly plan: EdgeTpuPlan['ops'];
}

/** The files and the report. */
export interface CompileResult {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly report: CompileReport;
}

/** Compiles `name`.tflite with `compiler`, or plans when there is none (null). */
export async function compileForEdgeTpu(
  bytes: Uint8Array,
  name: string,
  compiler: CompilerRun | null,
): Promise<CompileResult> {
  const model = readModel(bytes, name);
  if (inspectEdgeTpu(model, name) !== null) {
    throw new AtollError('INVALID_ARGUMENT', `cannot compile ${name}: it is compiled for the Edge TPU already`);
  }
  if (mainSubgraph(model).operators.length === 0) {
    throw new AtollError('INVALID_ARGUMENT', `cannot compile ${name}: it has no operators`);
  }
  const plan = planEdgeTpu(model);
  if (compiler === null) return planned(plan);
  return compiledBy(await runCompiler(bytes, compiler), plan, name.replace(/\.tflite$/i, ''));
}

function planned(plan: EdgeTpuPlan): CompileResult {
  const report: CompileReport = {
    compiled: false,
    compiler: null,
    files: ['plan.json'],
    ...planSummary(plan),
    warnings: ['planned by the documented rules, not compiled: no Edge TPU compiler was found', ...plan.warnings],
    plan: plan.ops,
  };
  return { files: new Map(), report };
}

function compiledBy(result: CompilerResult, plan: EdgeTpuPlan, stem: string): CompileResult {
  const files = new Map([
    [`${stem}_edgetpu.tflite`, result.compiled],
    [`${stem}_edgetpu.log`, new TextEncoder().encode(result.log)],
  ]);
  const { holds, said, rows } = result;
  const report: CompileReport = {
    compiled: true,
    compiler: result.version,
    files: ['plan.json', ...files.keys()],
    ops: rows,
    onEdgeTpu: said?.onEdgeTpu ?? plan.ops.length - holds.cpuOps.length,
    onCpu: said?.onCpu ?? holds.cpuOps.length,
    subgraphs: holds.packages.length,
    onChipBytes: holds.onChipBytes,
    offChipBytes: holds.offChipBytes,
    warnings: differences(plan, holds.cpuOps),
    plan: plan.ops,
  };
  return { files, report };
}

/** Where compiler and rules disagree, which is worth knowing for the next model. */
function differences(plan: EdgeTpuPlan, cpuOps: readonly string[]): readonly string[] {
  const expected = plan.ops.filter(({ mapped }) => !mapped).map(({ op }) => op);
  if (expected.toSorted().join() === cpuOps.toSorted().join()) return [];
  const words = (ops: readonly string[]): string => (ops.length === 0 ? 'none' : ops.join(', '));
  return [`the compiler left other operators to the CPU (${words(cpuOps)}) than the rules expect (${words(expected)})`];
}

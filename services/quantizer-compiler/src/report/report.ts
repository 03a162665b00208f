// What a job tells of its result, as the JSON that scripts rely on.
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Tensor, TfLiteModel } from '@atoll/tflite/model';
import type { EdgeTpuPlan } from '@atoll/edgetpu/plan';
import type { AgreementFigures } from '../compare/agreement.js';
import type { QuantizeMode } from '../quantize/modes.js';
import { measured } from './costliest.js';
import type { TensorDetail } from './details.js';

/** An input or output of a model. */
export interface BorderReport {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** How often an operator of one version occurs. */
export interface OpCount {
  readonly op: string;
  readonly version: number;
  readonly count: number;
}

/** A comparison of the float and the int8 model; shares are absent when no photo has a known label. */
export interface EvalReport {
  readonly images: number;
  readonly floatTop1?: number;
  readonly int8Top1?: number;
  readonly agreement: number;
  readonly meanAbsError: number;
  readonly maxAbsError: number;
}

/** The report of a quantization. */
export interface QuantizeReport {
  readonly file: string;
  readonly sizeBytes: number;
  readonly floatSizeBytes: number;
  readonly seconds: number;
  readonly mode: QuantizeMode;
  readonly input: BorderReport;
  readonly output: BorderReport;
  readonly ops: readonly OpCount[];
  readonly parameters: number;
  readonly calibrationImages: number;
  readonly eval?: EvalReport;
  /** In the order of computation; absent where nothing was measured. */
  readonly tensors?: readonly Pick<TensorDetail, 'name' | 'sqnrDb' | 'clipped'>[];
  readonly edgeTpu: PlanSummary;
  readonly warnings: readonly string[];
}

/** The plan for the Edge TPU in figures. */
export interface PlanSummary {
  readonly ops: readonly { readonly op: string; readonly count: number; readonly status: string }[];
  readonly onEdgeTpu: number;
  readonly onCpu: number;
  readonly subgraphs: number;
  readonly onChipBytes: number;
  readonly offChipBytes: number;
}

/** The first input or output of a model. */
export function borderReport(model: TfLiteModel, side: 'inputs' | 'outputs'): BorderReport {
  const [border] = borderReports(model, side);
  if (border === undefined) throw new RangeError(`the model has no ${side}`);
  return border;
}

/** All inputs or outputs of a model. */
export function borderReports(model: TfLiteModel, side: 'inputs' | 'outputs'): readonly BorderReport[] {
  const main = mainSubgraph(model);
  return main[side]
    .map((index) => main.tensors[index])
    .filter((tensor) => tensor !== undefined)
    .map(describe);
}

function describe({ name, type, shape, quantization }: Tensor): BorderReport {
  return {
    name,
    type,
    shape,
    scale: quantization?.scale[0] ?? null,
    zeroPoint: quantization?.zeroPoint[0] ?? null,
  };
}

/** Operators of the main subgraph, counted by name and version, in order of appearance. */
export function countOps(model: TfLiteModel): readonly OpCount[] {
  const counts = new Map<string, OpCount>();
  for (const operator of mainSubgraph(model).operators) {
    const op = operatorName(model, operator);
    const version = model.operatorCodes[operator.opcode]?.version ?? 1;
    const key = `${op} ${version}`;
    counts.set(key, { op, version, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** The figures of a comparison without what is not known. */
export function evalReport({ floatTop1, int8Top1, ...rest }: AgreementFigures): EvalReport {
  return floatTop1 === null || int8Top1 === null ? rest : { ...rest, floatTop1, int8Top1 };
}

/** A plan by operator and status, as the compiler's own table has it. */
export function planSummary(plan: EdgeTpuPlan): PlanSummary {
  const rows = new Map<string, { op: string; count: number; status: string }>();
  for (const { op, status } of plan.ops) {
    const key = `${op} ${status}`;
    rows.set(key, { op, status, count: (rows.get(key)?.count ?? 0) + 1 });
  }
  const { onEdgeTpu, onCpu, subgraphs, onChipBytes, offChipBytes } = plan;
  return { ops: [...rows.values()], onEdgeTpu, onCpu, subgraphs, onChipBytes, offChipBytes };
}

/** Of each activation that was measured, how far it is from the float model's. */
export function tensorReports(tensors: readonly TensorDetail[]): NonNullable<QuantizeReport['tensors']> {
  return measured(tensors).map(({ name, sqnrDb, clipped }) => ({ name, sqnrDb, clipped }));
}

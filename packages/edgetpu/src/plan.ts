// Which operators of a full-integer model an Edge TPU would run, by the documented rules. It is a plan, not a compilation: it
// runs nothing, promises nothing about sizes that the rules leave open, and is never written under the name of a compiled file.
import { tensorSizeBytes } from '@atoll/tflite/enums';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { cacheBytes, largeActivationBytes, parameterBytes, surelyCachedBytes } from './memory.js';
import { flowing, viewOps } from './op-view.js';
import type { OpView } from './op-view.js';
import { blockingRule } from './rules.js';
import { statuses } from './status.js';
import type { MappingStatus } from './status.js';

/** What the plan says of one operator. */
export interface PlannedOp {
  readonly index: number;
  readonly op: string;
  readonly version: number;
  /** Name of its first output, to find it in the model. */
  readonly tensor: string;
  readonly status: MappingStatus;
  readonly mapped: boolean;
  /** The rule that keeps it off, or null. */
  readonly ruleId: string | null;
  /** What to do about it, or null. */
  readonly remedy: string | null;
}

/** The whole plan. Byte counts are estimates within about 10 %. */
export interface EdgeTpuPlan {
  readonly ops: readonly PlannedOp[];
  readonly onEdgeTpu: number;
  readonly onCpu: number;
  /** 1 when anything maps: the compiler makes one Edge TPU part and leaves the rest to the CPU. */
  readonly subgraphs: number;
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly warnings: readonly string[];
}

/** Plans the main subgraph. */
export function planEdgeTpu(model: TfLiteModel): EdgeTpuPlan {
  const main = mainSubgraph(model);
  const ops = viewOps(model, main);
  const planned = partition(ops);
  const mapped = ops.filter((op) => planned[op.index]?.mapped === true);
  const parameters = mapped.reduce((sum, op) => sum + parameterBytes(op), 0);
  const onChipBytes = Math.min(parameters, cacheBytes);
  return {
    ops: planned,
    onEdgeTpu: mapped.length,
    onCpu: ops.length - mapped.length,
    subgraphs: mapped.length > 0 ? 1 : 0,
    onChipBytes,
    offChipBytes: parameters - onChipBytes,
    warnings: [...shapeWarnings(model), ...opWarnings(ops), ...memoryWarnings(mapped, parameters)],
  };
}

/**
 * The single partition: in execution order, operators that do not map may come before the Edge TPU part, but whatever needs
 * the result of one that comes after it stays on the CPU too. Source: coral.ai/docs/edgetpu/models-intro, and compiled files.
 */
function partition(ops: readonly OpView[]): readonly PlannedOp[] {
  const fromEdgeTpu = new Set<number>();
  const afterBreak = new Set<number>();
  return ops.map((op) => {
    const rule = blockingRule(op);
    const touches = (set: ReadonlySet<number>): boolean => op.operator.inputs.some((index) => set.has(index));
    const behind = touches(afterBreak);
    const mapped = rule === undefined && !behind;
    for (const output of op.operator.outputs) {
      if (mapped) fromEdgeTpu.add(output);
      else if (behind || touches(fromEdgeTpu)) afterBreak.add(output);
    }
    return {
      index: op.index,
      op: op.name,
      version: op.version,
      tensor: op.outputs[0]?.tensor.name ?? '',
      status: rule?.status ?? (mapped ? statuses.mapped : statuses.anotherSubgraph),
      mapped,
      ruleId: rule?.id ?? (mapped ? null : 'one-partition'),
      remedy: rule?.remedy ?? (mapped ? null : 'see the first operator before it that is not mapped'),
    };
  });
}

function shapeWarnings(model: TfLiteModel): string[] {
  const { tensors } = mainSubgraph(model);
  const open = tensors.find(({ shapeSignature }) => shapeSignature.includes(-1));
  return open === undefined
    ? []
    : [`tensor ${open.name} has a size that is not fixed: the compiler refuses it; convert with batch size 1`];
}

function opWarnings(ops: readonly OpView[]): string[] {
  const warnings: string[] = [];
  for (const op of ops) {
    const weights = op.inputs[1]?.tensor;
    const name = op.outputs[0]?.tensor.name ?? `operator ${op.index}`;
    if (op.name === 'FULLY_CONNECTED' && (weights?.quantization?.scale.length ?? 0) > 1) {
      warnings.push(
        `${name}: dense weights with one scale per output give wrong results on old runtimes; use one scale`,
      );
    }
    if (op.name === 'FULLY_CONNECTED' && (weights?.shape[1] ?? 0) > wideDenseInputs) {
      warnings.push(
        `${name}: a dense layer over ${weights?.shape[1]} inputs is slow on the Edge TPU; pool to fewer values before it`,
      );
    }
    const activationBytes = flowing(op).reduce(
      (sum, { tensor }) => sum + (tensorSizeBytes(tensor.type, tensor.shape) ?? 0),
      0,
    );
    if (activationBytes > largeActivationBytes) {
      warnings.push(
        `${name}: its input and output take ${mebibytes(activationBytes)}; the compiler may find them too large`,
      );
    }
  }
  return warnings;
}

/** From here on a dense layer was seen to grow the compiled file many times over. */
const wideDenseInputs = 1600;

function memoryWarnings(mapped: readonly OpView[], parameters: number): string[] {
  if (mapped.length === 0) return ['no operator maps to the Edge TPU'];
  if (parameters <= surelyCachedBytes) return [];
  const where = parameters > cacheBytes ? 'do not fit' : 'may not fit';
  return [
    `parameters of about ${mebibytes(parameters)} ${where} into the memory on the chip; ` +
      'what does not is sent over the bus at every inference',
  ];
}

function mebibytes(sizeBytes: number): string {
  return `${(sizeBytes / 1024 / 1024).toFixed(1)} MiB`;
}

// Which operators of a full-integer model an Edge TPU would run, by the documented rules. It is a plan, not a compilation: it
// runs nothing, says where it guesses, and is never written under the name of a compiled file.
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { adviceFor } from './advice.js';
import type { Advice } from './advice.js';
import { cautionAbout } from './cautions.js';
import { cacheBytes, surelyCachedBytes, totalParameterBytes } from './memory.js';
import type { ByteEstimate } from './memory.js';
import { shownName, tensorName, viewOps } from './op-view.js';
import type { OpView } from './op-view.js';
import { lateJoins, partition } from './partition.js';
import type { Place } from './partition.js';
import { preflight } from './preflight.js';
import type { PlanOptions } from './preflight.js';
import { blockingRule, docs } from './rules.js';
import type { Confidence, MappingRule } from './rules.js';
import { statuses } from './status.js';
import type { MappingStatus } from './status.js';

/** What the plan says of one operator. */
export interface PlannedOp {
  readonly index: number;
  readonly op: string;
  readonly version: number;
  /** Name of its first output, to find it in the model. */
  readonly tensor: string;
  /** The compiler's own words. */
  readonly status: MappingStatus;
  readonly mapped: boolean;
  /** uncertain: `mapped` is a guess, for `cautionId`. */
  readonly verdict: 'maps' | 'stays' | 'uncertain';
  /** The rule that keeps it off, or null. */
  readonly ruleId: string | null;
  readonly source: string;
  readonly confidence: Confidence;
  /** What to do about it, or null. */
  readonly remedy: string | null;
  /** Why the verdict is a guess, or null. */
  readonly cautionId: string | null;
}

/** Where the Edge TPU part ends: the first operator that cannot follow it, and how many behind it could map but for that. */
export interface PartitionPoint {
  readonly index: number;
  readonly op: string;
  readonly tensor: string;
  readonly ruleId: string;
  readonly lostOps: number;
}

/** The whole plan. Byte counts are estimates. */
export interface EdgeTpuPlan {
  readonly ops: readonly PlannedOp[];
  readonly onEdgeTpu: number;
  readonly onCpu: number;
  /** 1 when anything maps: the compiler makes one Edge TPU part and leaves the rest to the CPU. */
  readonly subgraphs: number;
  readonly onChipBytes: number;
  readonly offChipBytes: number;
  readonly parameterBytes: ByteEstimate;
  readonly partition: PartitionPoint | null;
  /** What to change to map more, the most gainful first. */
  readonly advice: readonly Advice[];
  readonly warnings: readonly string[];
}

/** Asks nothing of the compiler. */
const nothingAsked: PlanOptions = { minRuntimeVersion: 0, intermediateTensors: [] };

/** Plans the main subgraph. */
export function planEdgeTpu(model: TfLiteModel, options: PlanOptions = nothingAsked): EdgeTpuPlan {
  const ops = viewOps(model, mainSubgraph(model));
  const cut = behindTensors(ops, new Set(options.intermediateTensors));
  const rules = ops.map(blockingRule);
  const places = partition(ops, ({ index }) => rules[index] === undefined && !cut.has(index));
  const doubts = doubtsOf(ops, rules, places);
  const mapped = ops.filter((_, index) => places[index] === 'edge-tpu');
  const parameterBytes = totalParameterBytes(mapped);
  const onChipBytes = Math.min(parameterBytes.estimate, cacheBytes);
  return {
    ops: ops.map((op, index) =>
      describe(op, rules[index], places[index] ?? 'behind', doubts[index] ?? null, cut.has(index)),
    ),
    onEdgeTpu: mapped.length,
    onCpu: ops.length - mapped.length,
    subgraphs: mapped.length > 0 ? 1 : 0,
    onChipBytes,
    offChipBytes: parameterBytes.estimate - onChipBytes,
    parameterBytes,
    partition: partitionPoint(ops, rules, places),
    advice: adviceFor(ops, rules, places),
    warnings: [
      ...preflight(model, ops, mapped, options),
      ...doubtWarnings(ops, doubts),
      ...memoryWarnings(mapped, parameterBytes.estimate),
    ],
  };
}

/** Operators that need, directly or not, one of the named tensors. */
function behindTensors(ops: readonly OpView[], names: ReadonlySet<string>): ReadonlySet<number> {
  const after = new Set<number>();
  const cut = new Set<number>();
  for (const { index, inputs, outputs, operator } of ops) {
    const needs = operator.inputs.some((input, at) => after.has(input) || names.has(inputs[at]?.tensor.name ?? ''));
    if (!needs || outputs.length === 0) continue;
    cut.add(index);
    for (const output of operator.outputs) after.add(output);
  }
  return cut;
}

/** A doubt about an operator is one about everything that needs its result, unless a rule of its own keeps that off. */
function doubtsOf(
  ops: readonly OpView[],
  rules: readonly (MappingRule | undefined)[],
  places: readonly Place[],
): readonly (string | null)[] {
  const late = lateJoins(ops, places);
  const doubtful = new Map<number, string>();
  return ops.map((op, index) => {
    const above = op.operator.inputs.map((input) => doubtful.get(input)).find((one) => one !== undefined);
    const own = cautionAbout(op, rules[index])?.id ?? (late.has(index) ? 'late-input' : undefined);
    const doubt = own ?? (rules[index] === undefined ? above : undefined);
    const passedOn = doubt ?? above;
    if (passedOn !== undefined) for (const output of op.operator.outputs) doubtful.set(output, passedOn);
    return doubt ?? null;
  });
}

const onePartition = 'the compiler makes one Edge TPU part: see the operator where it ends';

function describe(
  op: OpView,
  rule: MappingRule | undefined,
  place: Place,
  cautionId: string | null,
  cut: boolean,
): PlannedOp {
  const mapped = place === 'edge-tpu';
  const certain = mapped ? 'maps' : 'stays';
  const base = { index: op.index, op: op.name, version: op.version, tensor: tensorName(op), mapped, cautionId };
  const verdict = cautionId === null ? certain : 'uncertain';
  if (rule !== undefined) {
    const { id: ruleId, status, source, confidence } = rule;
    return { ...base, verdict, status, ruleId, source, confidence, remedy: rule.remedyFor?.(op) ?? rule.remedy };
  }
  const confidence: Confidence = cautionId === null ? 'documented' : 'inferred';
  if (mapped)
    return { ...base, verdict, status: statuses.mapped, ruleId: null, source: docs, confidence, remedy: null };
  const [ruleId, remedy] = cut
    ? (['intermediate-tensor', 'it comes after a tensor at which the model is asked to be cut'] as const)
    : (['one-partition', onePartition] as const);
  return { ...base, verdict, status: statuses.anotherSubgraph, ruleId, source: docs, confidence, remedy };
}

function partitionPoint(
  ops: readonly OpView[],
  rules: readonly (MappingRule | undefined)[],
  places: readonly Place[],
): PartitionPoint | null {
  const op = ops[places.indexOf('break')];
  if (op === undefined) return null;
  const lost = places.filter((place, index) => place === 'behind' && rules[index] === undefined);
  return {
    index: op.index,
    op: op.name,
    tensor: tensorName(op),
    ruleId: rules[op.index]?.id ?? 'intermediate-tensor',
    lostOps: lost.length,
  };
}

function doubtWarnings(ops: readonly OpView[], doubts: readonly (string | null)[]): readonly string[] {
  const first = doubts.findIndex((doubt) => doubt !== null);
  const op = ops[first];
  if (op === undefined) return [];
  const count = doubts.filter((doubt) => doubt !== null).length;
  return [
    `whether ${op.name} ${shownName(op)} maps is a guess (${doubts[first]}), and with it the place of ${count} operators in all`,
  ];
}

function memoryWarnings(mapped: readonly OpView[], parameters: number): readonly string[] {
  if (mapped.length === 0) return ['no operator maps to the Edge TPU'];
  if (parameters <= surelyCachedBytes) return [];
  const where = parameters > cacheBytes ? 'do not fit' : 'may not fit';
  return [
    `parameters of about ${(parameters / 1024 / 1024).toFixed(1)} MiB ${where} into the memory on the chip; ` +
      'what does not is sent over the bus at every inference',
  ];
}

// What a .tflite file is and holds, as the JSON that scripts rely on and as text.
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import { printCompiled } from '@atoll/edgetpu/print-compiled';
import { readLabels, readMetadata, readMinRuntimeVersion } from '@atoll/tflite/metadata';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Tensor, TfLiteModel } from '@atoll/tflite/model';
import { printModel } from '@atoll/tflite/print';
import { readModel } from '@atoll/tflite/read';
import { borderReports, countOps } from './report.js';
import type { BorderReport, OpCount } from './report.js';

/** What kind of file it is: `int8` computes on integers throughout, `mixed` only in places. */
export type ModelKind = 'float' | 'float16' | 'dynamic-range' | 'int8' | 'uint8' | 'mixed' | 'edgetpu';

/** The description of a file. */
export interface InspectReport {
  readonly kind: ModelKind;
  readonly sizeBytes: number;
  readonly inputs: readonly BorderReport[];
  readonly outputs: readonly BorderReport[];
  readonly ops: readonly OpCount[];
  /** Elements of constant tensors with more than one dimension, and of biases. */
  readonly parameters: number;
  readonly edgeTpu?: CompiledEdgeTpu;
  readonly metadata: {
    readonly description: string;
    readonly minRuntimeVersion: string | null;
    readonly name: string | null;
    readonly entries: readonly string[];
  };
  readonly labels?: readonly string[];
}

/** Describes a .tflite, and prints its graph. */
export function inspectModel(
  bytes: Uint8Array,
  name: string,
): { readonly report: InspectReport; readonly graph: string } {
  const model = readModel(bytes, name);
  const compiled = inspectEdgeTpu(model, name);
  const labels = readLabels(bytes, model, name);
  const report: InspectReport = {
    kind: compiled === null ? kindOf(model) : 'edgetpu',
    sizeBytes: bytes.length,
    inputs: borderReports(model, 'inputs'),
    outputs: borderReports(model, 'outputs'),
    ops: countOps(model),
    parameters: parameters(model),
    ...(compiled === null ? {} : { edgeTpu: compiled }),
    metadata: {
      description: model.description,
      minRuntimeVersion: readMinRuntimeVersion(model),
      name: readMetadata(model, name)?.name ?? null,
      entries: model.metadata.map((entry) => entry.name),
    },
    ...(labels === null ? {} : { labels }),
  };
  const graph = printModel(model);
  return { report, graph: compiled === null ? graph : `${graph}${printCompiled(compiled)}` };
}

function kindOf(model: TfLiteModel): ModelKind {
  const tensors = mainSubgraph(model).tensors;
  const has = (part: readonly Tensor[], type: Tensor['type']): boolean => part.some((tensor) => tensor.type === type);
  const isConstant = ({ buffer }: Tensor): boolean => (model.buffers[buffer]?.length ?? 0) > 0;
  const constant = tensors.filter(isConstant);
  const borders = new Set([...mainSubgraph(model).inputs, ...mainSubgraph(model).outputs]);
  const inner = tensors.filter(
    (tensor, index) =>
      !isConstant(tensor) && !borders.has(index) && tensor.shape.length > 0 && !tensor.shape.includes(0),
  );
  const floats = has(inner, 'float32');
  if (has(constant, 'float16')) return 'float16';
  if (has(inner, 'int8') || (has(constant, 'int8') && !floats && !has(tensors, 'float32')))
    return floats ? 'mixed' : 'int8';
  if (has(inner, 'uint8') || (has(tensors, 'uint8') && !has(tensors, 'float32'))) return floats ? 'mixed' : 'uint8';
  return has(constant, 'int8') ? 'dynamic-range' : 'float';
}

function parameters(model: TfLiteModel): number {
  const { tensors, operators } = mainSubgraph(model);
  // Weights are never an operator's first input, but for what is stored small and widened before it is used.
  const read = new Set(
    operators.flatMap((operator) =>
      operatorName(model, operator) === 'DEQUANTIZE' ? operator.inputs : operator.inputs.slice(1),
    ),
  );
  return tensors.reduce((sum, { buffer, shape, type, quantization }, index) => {
    const constant = (model.buffers[buffer]?.length ?? 0) > 0;
    const weight = type !== 'int32' || (quantization?.scale.length ?? 0) > 0;
    return constant && weight && read.has(index) ? sum + shape.reduce((a, b) => a * b, 1) : sum;
  }, 0);
}

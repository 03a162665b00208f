// What a compiled file made of the model that it was compiled from, operator by operator. The compiler keeps the names and shapes
// of activations, so an operator that stayed on the CPU is found again by its name and its outputs; all others went into the
// Edge TPU part.
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Operator, TfLiteModel } from '@atoll/tflite/model';
import { edgeTpuOp } from './inspect.js';

/** The fate of the original's operators. */
export interface CompiledFate {
  /** For each operator of the original, in order: true when it is part of the compiled part. */
  readonly mapped: readonly boolean[];
  /** Operators of the compiled file, by name and first output, that the original does not have. */
  readonly strangers: readonly string[];
}

/** Finds the operators of `original` in the files that it was compiled to: one, or the segments of a pipeline. */
export function compiledFate(original: TfLiteModel, compiled: readonly TfLiteModel[]): CompiledFate {
  const left = new Map<string, number>();
  for (const model of compiled) {
    for (const operator of mainSubgraph(model).operators) {
      if (operatorName(model, operator) === edgeTpuOp) continue;
      const key = identity(model, operator);
      left.set(key, (left.get(key) ?? 0) + 1);
    }
  }
  const mapped = mainSubgraph(original).operators.map((operator) => {
    const key = identity(original, operator);
    const count = left.get(key) ?? 0;
    if (count === 0) return true;
    left.set(key, count - 1);
    return false;
  });
  const strangers = [...left].filter(([, count]) => count > 0).map(([key]) => key);
  return { mapped, strangers };
}

function identity(model: TfLiteModel, operator: Operator): string {
  const { tensors } = mainSubgraph(model);
  const outputs = operator.outputs.map((index) => {
    const tensor = tensors[index];
    return tensor === undefined ? 'none' : `${tensor.name} ${tensor.type}[${tensor.shape.join(',')}]`;
  });
  return `${operatorName(model, operator)} -> ${outputs.join(', ')}`;
}

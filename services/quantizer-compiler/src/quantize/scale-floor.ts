// How fine the steps of an output may be. Kernels multiply by (steps of the inputs) / (step of the output) in fixed point, and
// what they can carry is bounded: an ADD whose output steps are 2^19 times finer than its input's ends the process, and faster
// kernels step aside long before. Steps that are finer than what the inputs resolve say nothing anyway. A fused RELU6 clamps at
// 6 / scale in int32, which leastRange of activationParams keeps in bounds.
import { floatData } from '../graph/graph.js';
import type { Graph, Op, QuantParams } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { activationParams } from './params.js';
import type { Assignment } from './assign.js';
import { peakOf } from './weights.js';

/** Finest step of an output, as a share of the step that its inputs resolve. */
const finestShare = 1 / 128;

/** Parameters of an output, made coarser where the operation could not compute in them. */
export function withScaleFloor(graph: Graph, op: Op, assigned: Assignment, params: QuantParams): QuantParams {
  const [scale = 1] = params.scale;
  const [zeroPoint = 0] = params.zeroPoint;
  const floor = finestShare * resolvedStep(graph, op, assigned);
  if (scale >= floor) return params;
  return activationParams({ min: (-128 - zeroPoint) * floor, max: (127 - zeroPoint) * floor });
}

/** What one step of the inputs makes in the output. */
function resolvedStep(graph: Graph, op: Op, assigned: Assignment): number {
  const steps = op.inputs.map((index) => assigned.get(index)?.scale[0] ?? 0);
  const coarsest = Math.max(0, ...steps);
  const weights = opTable[op.kind]?.weights;
  if (weights !== undefined) {
    const data = floatData(graph.values[op.inputs[weights.weights] ?? -1]) ?? new Float32Array();
    return (coarsest * peakOf(data)) / 127;
  }
  if (op.kind === 'MUL') return (steps[0] ?? 0) * (steps[1] ?? 0);
  if (op.kind === 'SQUARED_DIFFERENCE') return coarsest * coarsest;
  return op.kind === 'RSQRT' || op.kind === 'PRELU' ? 0 : coarsest;
}

// Gives every activation its int8 parameters. Operations that must not change scales share one parameter object between input
// and output, so that equality holds exactly, as kernels check it.
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, QuantParams } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { producers, useCounts } from '../graph/rewrite.js';
import { activationParams, fixedParams } from './params.js';
import type { Range } from './params.js';

/** Range of each activation by the name of its value. */
export type Ranges = ReadonlyMap<string, Range>;

/** Parameters by value index, for every float value that is no weight. */
export type Assignment = ReadonlyMap<number, QuantParams>;

/** Assigns parameters; `input` are those of the graph's inputs. */
export function assignParams(graph: Graph, ranges: Ranges, input: QuantParams): Assignment {
  const assigned = new Map<number, QuantParams>(graph.inputs.map((index) => [index, input]));
  for (const op of graph.ops) {
    for (const index of constantOperands(graph, op)) assigned.set(index, constantParams(graph, index));
    for (const output of op.outputs) assigned.set(output, outputParams(graph, op, output, ranges, assigned));
  }
  joinBackward(graph, assigned);
  return assigned;
}

/**
 * What is joined must have the scale of the result. Where nothing else reads an operand, its maker writes it in that scale from
 * the start; elsewhere a requantization is put in between when the graph is quantized.
 */
function joinBackward(graph: Graph, assigned: Map<number, QuantParams>): void {
  const makers = producers(graph);
  const counts = useCounts(graph);
  for (const op of graph.ops.toReversed()) {
    const shared = assigned.get(op.outputs[0] ?? -1);
    if (opTable[op.kind]?.int8 !== 'join' || shared === undefined) continue;
    for (const operand of op.inputs) {
      const path: number[] = [];
      let index = operand;
      let maker = makers.get(index);
      while (maker !== undefined && counts[index] === 1) {
        path.push(index);
        if (opTable[maker.kind]?.int8 !== 'same') break;
        [index = -1] = maker.inputs;
        maker = makers.get(index);
      }
      const free = maker !== undefined && counts[index] === 1 && opTable[maker.kind]?.int8 === 'free';
      if (free) for (const one of path) assigned.set(one, shared);
    }
  }
}

/** Float constants that an operation reads as if they were activations: the second operand of ADD, not weights. */
export function constantOperands(graph: Graph, op: Op): readonly number[] {
  if (opTable[op.kind]?.weights !== undefined) return [];
  return op.inputs.filter((index) => floatData(graph.values[index]) !== null);
}

function constantParams(graph: Graph, index: number): QuantParams {
  const data = floatData(valueAt(graph, index)) ?? new Float32Array();
  return activationParams({
    min: data.reduce((a, b) => Math.min(a, b), 0),
    max: data.reduce((a, b) => Math.max(a, b), 0),
  });
}

function outputParams(graph: Graph, op: Op, output: number, ranges: Ranges, assigned: Assignment): QuantParams {
  const rule = opTable[op.kind]?.int8 ?? 'free';
  if (typeof rule === 'object') return fixedParams(rule.scale, rule.zeroPoint);
  if (rule === 'same') {
    const shared = assigned.get(op.inputs[0] ?? -1);
    if (shared !== undefined) return shared;
  }
  const { name } = valueAt(graph, output);
  const range = ranges.get(name);
  if (range === undefined) throw new RangeError(`value ${name} was not observed`);
  return activationParams(range);
}

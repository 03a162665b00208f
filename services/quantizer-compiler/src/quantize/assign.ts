// Gives every activation its int8 parameters. Operations that must not change scales share one parameter object between input
// and output, so that equality holds exactly, as kernels check it.
//   forward   in order of execution: what a pool or reshape gives has the parameters of what it reads;
//   backward  in reverse order: what is joined (CONCATENATION, PACK, MAXIMUM, MINIMUM) takes the parameters of the result.
// Where parameters cannot be shared, quantizeGraph puts a requantization in between.
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, QuantParams } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { producers, useCounts } from '../graph/rewrite.js';
import { activationParams, fixedParams } from './params.js';
import type { Range } from './params.js';
import { withScaleFloor } from './scale-floor.js';

/** Range of each activation by the name of its value. */
export type Ranges = ReadonlyMap<string, Range>;

/** Parameters by value index, for every float value that is no weight. */
export type Assignment = ReadonlyMap<number, QuantParams>;

/** Assigns parameters; `inputs` are those of the graph's float inputs, by value index. */
export function assignParams(graph: Graph, ranges: Ranges, inputs: ReadonlyMap<number, QuantParams>): Assignment {
  const assigned = new Map<number, QuantParams>(inputs);
  for (const op of graph.ops) {
    for (const index of constantOperands(graph, op)) assigned.set(index, constantParams(graph, index));
    for (const output of op.outputs) {
      if (valueAt(graph, output).type !== 'float32') continue;
      assigned.set(output, outputParams(graph, op, output, ranges, assigned));
    }
  }
  joinBackward(graph, assigned);
  return assigned;
}

/**
 * What is joined must have the parameters of the result. Where nothing else reads an operand, or where its other readers lose
 * next to nothing, its maker writes it in them from the start.
 */
function joinBackward(graph: Graph, assigned: Map<number, QuantParams>): void {
  const makers = producers(graph);
  const counts = useCounts(graph);
  for (const op of graph.ops.toReversed()) {
    const shared = assigned.get(op.outputs[0] ?? -1);
    if (opTable[op.kind]?.int8 !== 'join' || shared === undefined) continue;
    for (const operand of op.inputs) {
      const path = pathToFreeMaker(graph, operand, makers, (index) => {
        const own = assigned.get(index);
        return counts[index] === 1 || (own !== undefined && isNearlyAsGood(shared, own));
      });
      for (const index of path) assigned.set(index, shared);
    }
  }
}

/**
 * The values from an operand back to one whose maker can write it in any parameters; empty where there is none, or where a value
 * on the way may not change.
 */
function pathToFreeMaker(
  graph: Graph,
  operand: number,
  makers: ReadonlyMap<number, Op>,
  mayChange: (index: number) => boolean,
): readonly number[] {
  const path: number[] = [];
  for (let index = operand; mayChange(index);) {
    path.push(index);
    const maker = makers.get(index);
    const row = maker === undefined ? undefined : opTable[maker.kind];
    if (maker === undefined || row === undefined) return [];
    if (row.int8 === 'free' || row.int8 === 'join') return path;
    // A maker of several values gives all of them the parameters of its input.
    if (row.int8 !== 'same' || maker.outputs.length > 1) return [];
    index = maker.inputs[row.data] ?? -1;
  }
  return [];
}

/** Most that a step may grow where sharing saves a requantization. */
const sharedGrowth = 1.1;

/** Whether every value of `own` can be written in `shared`, in steps that are hardly coarser. */
function isNearlyAsGood(shared: QuantParams, own: QuantParams): boolean {
  const ends = ({ scale: [scale = 1], zeroPoint: [zeroPoint = 0] }: QuantParams) => [
    scale * (-128 - zeroPoint),
    scale * (127 - zeroPoint),
  ];
  const [[sharedMin = 0, sharedMax = 0], [min = 0, max = 0]] = [ends(shared), ends(own)];
  const step = own.scale[0] ?? 1;
  return sharedMin <= min + step / 2 && sharedMax >= max - step / 2 && (shared.scale[0] ?? 1) <= sharedGrowth * step;
}

/** Whether two values of these parameters mean the same by every step. */
export function isSameParams(a: QuantParams, b: QuantParams): boolean {
  return a.scale[0] === b.scale[0] && a.zeroPoint[0] === b.zeroPoint[0];
}

/** Float constants that an operation reads as if they were activations: the second operand of ADD, not weights. */
function constantOperands(graph: Graph, op: Op): readonly number[] {
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
  const row = opTable[op.kind];
  const rule = row?.int8 ?? 'free';
  if (typeof rule === 'object') return fixedParams(rule.scale, rule.zeroPoint);
  if (rule === 'same') {
    const shared = assigned.get(op.inputs[row?.data ?? 0] ?? -1);
    if (shared !== undefined) return shared;
  }
  const { name } = valueAt(graph, output);
  const range = ranges.get(name);
  if (range === undefined) throw new RangeError(`value ${name} was not observed`);
  const own = withScaleFloor(graph, op, assigned, activationParams(range));
  return (rule === 'join' ? commonParams(graph, op, assigned, own) : null) ?? own;
}

/** The parameters that all operands of a join have already, where they serve the result as well as its `own`. */
function commonParams(graph: Graph, op: Op, assigned: Assignment, own: QuantParams): QuantParams | null {
  const given = op.inputs.flatMap((index) => (floatData(graph.values[index]) === null ? [assigned.get(index)] : []));
  const [first] = given;
  if (first === undefined || !given.every((one) => one !== undefined && isSameParams(one, first))) return null;
  return isNearlyAsGood(first, own) ? first : null;
}

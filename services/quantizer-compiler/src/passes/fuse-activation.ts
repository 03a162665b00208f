// RELU, RELU6 and RELU_N1_TO_1 move into the convolution, dense layer or arithmetic before them, where they cost nothing and where
// int8 keeps its whole range for what they let through; on their way they may pass operations that only pick and move elements.
// They do not move into pools and joins (the Edge TPU takes those without an activation only), nor into TRANSPOSE_CONV (a newer
// operator than it takes).
import { activations } from '@atoll/tflite/enums';
import type { Graph, Op } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { applyRule, onlyReader } from './rule.js';
import type { Change, View } from './rule.js';

const fusable = new Map<Op['kind'], number>([
  ['RELU', activations.RELU],
  ['RELU6', activations.RELU6],
  ['RELU_N1_TO_1', activations.RELU_N1_TO_1],
]);
/** An activation before them is one after them: they pick elements, and 0 stays 0. */
const picking: ReadonlySet<Op['kind']> = new Set(['MAX_POOL_2D', 'RESHAPE', 'PAD']);

/** Fuses every activation whose input is read by nothing else and made by an operation that can take it. */
export function fuseActivations(graph: Graph): Graph {
  return applyRule(graph, fuse);
}

function fuse(view: View, op: Op): Change | null {
  const activation = fusable.get(op.kind);
  if (activation === undefined) return null;
  const way: Op[] = [op];
  for (;;) {
    const reader = way.at(-1) ?? op;
    const [input = -1] = reader.inputs;
    const maker = view.makers.get(input);
    if (maker === undefined || onlyReader(view, input) !== reader) return null;
    way.push(maker);
    if (!picking.has(maker.kind)) break;
  }
  const maker = way.at(-1) ?? op;
  const { options, kind } = maker;
  if (opTable[kind]?.fuses !== true || options === null || !('activation' in options)) return null;
  if (options.activation !== activations.NONE) return null;
  // What came last before the activation makes what the activation made.
  const last = way[1] ?? maker;
  const replaced = new Map<Op, readonly Op[]>([[op, []]]);
  if (last !== maker) replaced.set(last, [{ ...last, outputs: op.outputs }]);
  const outputs = last === maker ? op.outputs : maker.outputs;
  replaced.set(maker, [{ ...maker, outputs, options: { ...options, activation } }]);
  return { replaced };
}

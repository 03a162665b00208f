// Spellings that mean the same become one, so that later passes look for one:
//   c * x -> x * c     c + x -> x + c     x - c -> x + (-c)     x / c -> x * (1 / c)     c - x -> x * (-1) + c
//   -x -> x * (-1)     x^2 -> x * x       which have int8 kernels
// PADV2 with 0 -> PAD. SQUEEZE and EXPAND_DIMS -> RESHAPE, which every Edge TPU compiler takes whatever the sizes. The shape that a
// RESHAPE reads becomes a constant: shapes are fixed here. Activations fused into pools and joins, which the Edge TPU does
// not take, into transposed convolutions, which only new runtimes take, and into addends, which may go into a layer, become operations of their own.
import { activations } from '@atoll/tflite/enums';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op, Value } from '../graph/graph.js';
import { reshapeOp } from '../graph/reshape-op.js';
import { applyRule, Draft } from './rule.js';
import type { Change, View } from './rule.js';
import { fusedActivation } from './weighted.js';

/** Rewrites arithmetic with constants, reshapes and odd fusions in one spelling. */
export function canonicalArithmetic(graph: Graph): Graph {
  return applyRule(
    graph,
    (view, op) => unary(view, op) ?? arithmetic(view, op) ?? reshape(view, op) ?? zeroPad(view, op) ?? split(view, op),
  );
}

function unary(view: View, op: Op): Change | null {
  const [input = -1] = op.inputs;
  const x = valueAt(view.graph, input);
  if ((op.kind !== 'NEG' && op.kind !== 'SQUARE') || x.type !== 'float32' || x.data !== null) return null;
  const draft = new Draft(view);
  const second = op.kind === 'SQUARE' ? input : draft.add(minusOne(x));
  const options = { type: 'MulOptions', activation: activations.NONE } as const;
  draft.replace(op, [{ ...op, kind: 'MUL', inputs: [input, second], options }]);
  return draft.change();
}

/** The factor that negates x. */
function minusOne({ name }: Value): Value {
  return { name: `${name}/minus_one`, type: 'float32', shape: [1], data: Float32Array.of(-1), quantization: null };
}

function arithmetic(view: View, op: Op): Change | null {
  const [left = -1, right = -1] = op.inputs;
  const isConstant = (index: number): boolean => floatData(view.graph.values[index]) !== null;
  if (isConstant(left) === isConstant(right)) return null;
  const activation = fusedActivation(op);
  if (op.kind === 'ADD' || op.kind === 'MUL') {
    return isConstant(left) ? { replaced: new Map([[op, [{ ...op, inputs: [right, left] }]]]) } : null;
  }
  const draft = new Draft(view);
  const mapped = (of: (one: number) => number): number => {
    const value = valueAt(view.graph, right);
    return draft.add({
      ...value,
      name: `${value.name}/inverse`,
      data: (floatData(value) ?? new Float32Array()).map(of),
    });
  };
  if (op.kind === 'DIV' && isConstant(right)) {
    if (floatData(view.graph.values[right])?.some((one) => !Number.isFinite(Math.fround(1 / one))) === true)
      return null;
    const inverse = mapped((one) => 1 / one);
    draft.replace(op, [{ ...op, kind: 'MUL', inputs: [left, inverse], options: { type: 'MulOptions', activation } }]);
    return draft.change();
  }
  if (op.kind !== 'SUB') return null;
  const options = { type: 'AddOptions', activation, potScaleInt16: true } as const;
  if (isConstant(right)) {
    draft.replace(op, [{ ...op, kind: 'ADD', inputs: [left, mapped((one) => -one)], options }]);
    return draft.change();
  }
  const x = valueAt(view.graph, right);
  const factor = draft.add(minusOne(x));
  const negative = draft.add({ ...x, name: `${x.name}/negative` });
  draft.replace(op, [
    {
      kind: 'MUL',
      inputs: [right, factor],
      outputs: [negative],
      options: { type: 'MulOptions', activation: activations.NONE },
    },
    { ...op, kind: 'ADD', inputs: [negative, left], options },
  ]);
  return draft.change();
}

function reshape(view: View, op: Op): Change | null {
  if (op.kind !== 'RESHAPE' && op.kind !== 'SQUEEZE' && op.kind !== 'EXPAND_DIMS') return null;
  const [input = -1, target = -1] = op.inputs;
  const output = valueAt(view.graph, op.outputs[0] ?? -1);
  const sizes = view.graph.values[target]?.data;
  const wanted = output.shape.join();
  const said = op.options?.type === 'ReshapeOptions' ? op.options.newShape.join() : '';
  if (op.kind === 'RESHAPE' && sizes instanceof Int32Array && sizes.join() === wanted && said === wanted) return null;
  const draft = new Draft(view);
  draft.replace(op, [reshapeOp(input, op.outputs[0] ?? -1, output, (value) => draft.add(value))]);
  return draft.change();
}

function zeroPad(view: View, op: Op): Change | null {
  const [input = -1, amounts = -1, filler = -1] = op.inputs;
  if (op.kind !== 'PADV2' || floatData(view.graph.values[filler])?.[0] !== 0) return null;
  const pad: Op = { kind: 'PAD', inputs: [input, amounts], outputs: op.outputs, options: { type: 'PadOptions' } };
  return { replaced: new Map([[op, [pad]]]) };
}

const separate = new Map<number, Op['kind']>([
  [activations.RELU, 'RELU'],
  [activations.RELU6, 'RELU6'],
  [activations.RELU_N1_TO_1, 'RELU_N1_TO_1'],
]);

/** Options of operations that leave activations to others. A transposed convolution with one is new to runtimes before 2.13. */
const separated: ReadonlySet<string> = new Set(['Pool2DOptions', 'ConcatenationOptions', 'TransposeConvOptions']);

function split(view: View, op: Op): Change | null {
  const { options } = op;
  // An ADD of a constant may go into a layer or become one, which takes the activation back.
  const isOffset = options?.type === 'AddOptions' && floatData(view.graph.values[op.inputs[1] ?? -1]) !== null;
  if (options === null || (!separated.has(options.type) && !isOffset) || !('activation' in options)) return null;
  const kind = separate.get(options.activation);
  const [output = -1] = op.outputs;
  if (kind === undefined) return null;
  const draft = new Draft(view);
  const value = valueAt(view.graph, output);
  const inner = draft.add({ ...value, name: `${value.name}/linear` });
  draft.replace(op, [
    { ...op, outputs: [inner], options: { ...options, activation: activations.NONE } },
    { kind, inputs: [inner], outputs: [output], options: null },
  ]);
  return draft.change();
}

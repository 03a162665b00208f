// x * relu6(x + 3) / 6, in the spellings of exporters, as the one operation HARD_SWISH: on a CPU one rounding in the place of four.
// The Edge TPU does not map HARD_SWISH, while it maps the parts: so this is only for models that are to run elsewhere,
// those whose activations stay float.
import { activations } from '@atoll/tflite/enums';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { applyRule, onlyReader } from './rule.js';
import type { View } from './rule.js';
import { fusedActivation } from './weighted.js';

/** Matches what canonical-arithmetic leaves: constants second, divisions as factors. */
export function matchHardSwish(graph: Graph): Graph {
  return applyRule(graph, (view, op) => {
    const [output = -1] = op.outputs;
    const found = sixthOfProduct(view, op) ?? productWithSixth(view, op);
    if (found === null) return null;
    const swish: Op = {
      kind: 'HARD_SWISH',
      inputs: [found.x],
      outputs: [output],
      options: { type: 'HardSwishOptions' },
    };
    const gone = found.inner.map((inner) => [inner, []] as const);
    return { replaced: new Map<Op, readonly Op[]>([...gone, [op, [swish]]]) };
  });
}

interface Match {
  readonly x: number;
  /** Operations that only this one reads. */
  readonly inner: readonly Op[];
}

/** (x * relu6(x + 3)) * 1/6 */
function sixthOfProduct(view: View, op: Op): Match | null {
  const product = scaledBySixth(view, op);
  if (product === null || product.kind !== 'MUL' || fusedActivation(product) !== activations.NONE) return null;
  const [a = -1, b = -1] = product.inputs;
  const gate = gateOf(view, product, b, a) ?? gateOf(view, product, a, b);
  return gate === null ? null : { ...gate, inner: [...gate.inner, product] };
}

/** x * (relu6(x + 3) * 1/6) */
function productWithSixth(view: View, op: Op): Match | null {
  if (op.kind !== 'MUL' || fusedActivation(op) !== activations.NONE) return null;
  const [a = -1, b = -1] = op.inputs;
  for (const [x, scaled] of [
    [a, b],
    [b, a],
  ] as const) {
    const sixth = view.makers.get(scaled);
    if (sixth === undefined || onlyReader(view, scaled) !== op || sixth.kind !== 'MUL') continue;
    if (!isConstant(view, sixth.inputs[1], 1 / 6) || fusedActivation(sixth) !== activations.NONE) continue;
    const gate = gateOf(view, sixth, sixth.inputs[0] ?? -1, x);
    if (gate !== null) return { ...gate, inner: [...gate.inner, sixth] };
  }
  return null;
}

/** The operation whose only reader multiplies it by 1/6. */
function scaledBySixth(view: View, op: Op): Op | null {
  const [input = -1, constant] = op.inputs;
  if (op.kind !== 'MUL' || fusedActivation(op) !== activations.NONE || !isConstant(view, constant, 1 / 6)) return null;
  return onlyReader(view, input) === op ? (view.makers.get(input) ?? null) : null;
}

/** Recognizes `gate` as relu6(x + 3), read by `reader` alone. */
function gateOf(view: View, reader: Op, gate: number, x: number): Match | null {
  const last = view.makers.get(gate);
  if (last === undefined || onlyReader(view, gate) !== reader) return null;
  const isSum = (op: Op | undefined, activation: number): boolean =>
    op?.kind === 'ADD' && op.inputs[0] === x && isConstant(view, op.inputs[1], 3) && fusedActivation(op) === activation;
  if (isSum(last, activations.RELU6)) return { x, inner: [last] };
  const [sum = -1] = last.inputs;
  const before = view.makers.get(sum);
  if (last.kind !== 'RELU6' || before === undefined || onlyReader(view, sum) !== last) return null;
  return isSum(before, activations.NONE) ? { x, inner: [before, last] } : null;
}

function isConstant(view: View, index: number | undefined, expected: number): boolean {
  const data = index === undefined ? null : floatData(valueAt(view.graph, index));
  return data !== null && data.length > 0 && data.every((one) => Math.abs(one - expected) <= 1e-6 * expected);
}

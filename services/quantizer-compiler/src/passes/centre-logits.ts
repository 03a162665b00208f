// A softmax does not change when the same number is added to all its inputs. So the mean over the classes can be taken out of
// the weights and bias of the dense layer or convolution before it: the logits then spread around 0, over a narrower range, in
// finer steps. Between the two there may be what keeps classes apart: reshapes and means over the image.
import { activations } from '@atoll/tflite/enums';
import { valueAt } from '../graph/graph.js';
import type { Graph, Op } from '../graph/graph.js';
import { keepsChannels } from './affine.js';
import { applyRule, Draft, onlyReader } from './rule.js';
import type { Change, View } from './rule.js';
import { fusedActivation, weightedOf } from './weighted.js';
import type { Weighted } from './weighted.js';

/** Centres every operation with weights whose output goes to a SOFTMAX and nowhere else. */
export function centreLogits(graph: Graph): Graph {
  return applyRule(graph, centre);
}

function centre(view: View, op: Op): Change | null {
  const [logits = -1] = op.inputs;
  const classes = valueAt(view.graph, logits).shape.at(-1);
  const head = op.kind === 'SOFTMAX' || op.kind === 'LOG_SOFTMAX' ? headOf(view, op) : null;
  if (head === null || head.depthwise || head.outChannels !== classes) return null;
  const kernel = centred(head.kernel, classes);
  const offsets = centred(head.offsets, classes);
  if (kernel === null && offsets === null) return null;
  const draft = new Draft(view);
  const constants = new Map<number, Float32Array>([
    [head.weights, kernel ?? head.kernel],
    [head.bias, offsets ?? head.offsets],
  ]);
  draft.constants(head.op, constants);
  return draft.change();
}

function headOf(view: View, softmax: Op): Weighted | null {
  for (let reader = softmax; ;) {
    const [input = -1] = reader.inputs;
    const maker = view.makers.get(input);
    if (maker === undefined || onlyReader(view, input) !== reader) return null;
    const weighted = weightedOf(view.graph, maker);
    if (weighted !== null) return fusedActivation(maker) === activations.NONE ? weighted : null;
    const last = (index: number | undefined): number => valueAt(view.graph, index ?? -1).shape.at(-1) ?? 1;
    const keeps =
      (maker.kind === 'RESHAPE' && last(maker.inputs[0]) === last(input)) ||
      (maker.kind === 'AVERAGE_POOL_2D' && fusedActivation(maker) === activations.NONE) ||
      (maker.kind === 'MEAN' && keepsChannels(view.graph, maker));
    if (!keeps) return null;
    reader = maker;
  }
}

/** Between these a float32 keeps all its digits, and no difference of two overflows. */
const least = 1e-30;
const most = 1e38;

/** Takes the mean over the first axis, of size `classes`, out of every column; null when there is none to take. */
function centred(data: Float32Array, classes: number): Float32Array | null {
  const columns = data.length / classes;
  const means = new Float64Array(columns);
  for (let at = 0; at < data.length; at++) means[at % columns] = (means[at % columns] ?? 0) + (data[at] ?? 0) / classes;
  // Rounding leaves a trace of a mean; taking it out again would never end.
  const peak = data.reduce((high, value) => Math.max(high, Math.abs(value)), 0);
  if (peak < least || peak > most || means.every((mean) => Math.abs(mean) <= 1e-6 * peak)) return null;
  return data.map((value, at) => value - (means[at % columns] ?? 0));
}

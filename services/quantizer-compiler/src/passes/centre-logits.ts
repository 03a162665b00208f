// A softmax does not change when the same number is added to all its inputs. So the mean over the classes can be taken out of
// the weights and bias of the dense layer before it: the logits then spread around 0, over a narrower range, in finer steps.
import { activations } from '@atoll/tflite/enums';
import { floatData, valueAt } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { producers, useCounts } from '../graph/rewrite.js';

/** Centres every dense layer whose output is read by a SOFTMAX and by nothing else. */
export function centreLogits(graph: Graph): Graph {
  const makers = producers(graph);
  const counts = useCounts(graph);
  const values = [...graph.values];
  for (const { kind, inputs } of graph.ops) {
    const [logits = -1] = inputs;
    const maker = makers.get(logits);
    if (kind !== 'SOFTMAX' || counts[logits] !== 1 || maker?.options?.type !== 'FullyConnectedOptions') continue;
    if (maker.options.activation !== activations.NONE || maker.inputs.slice(1).some((index) => counts[index] !== 1))
      continue;
    for (const index of maker.inputs.slice(1)) {
      const data = floatData(values[index]);
      if (data !== null)
        values[index] = { ...valueAt(graph, index), data: centred(data, valueAt(graph, index).shape[0] ?? 1) };
    }
  }
  return { ...graph, values };
}

/** Takes the mean over the first axis, of size `classes`, out of every column. */
function centred(data: Float32Array, classes: number): Float32Array {
  const columns = data.length / classes;
  const means = new Float64Array(columns);
  data.forEach((value, at) => (means[at % columns] = (means[at % columns] ?? 0) + value / classes));
  // Rounding leaves a trace of a mean; taking it out again would never end.
  const peak = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (means.every((mean) => Math.abs(mean) <= 1e-6 * peak)) return data;
  return data.map((value, at) => value - (means[at % columns] ?? 0));
}

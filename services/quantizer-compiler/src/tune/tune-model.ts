// The effects of `auto`: makes each candidate that tune.ts asks for, runs it on the held-out photos, and completes the best one.
import { writeModel } from '@atoll/tflite/write';
import type { Calibration } from '../calibrate/calibrate.js';
import type { ObservedPhotos } from '../run/observe-photos.js';
import { runAsReals, withModel } from '../run/run-model.js';
import { elementCount, valueAt } from '../graph/graph.js';
import type { Graph, QuantParams } from '../graph/graph.js';
import { opTable } from '../graph/op-table.js';
import { equalize } from '../passes/equalize.js';
import { chooseRange } from '../quantize/choose-range.js';
import type { RangeMethod } from '../quantize/choose-range.js';
import { correctBias } from '../quantize/correct-bias.js';
import { fitWeights } from '../quantize/fit-weights.js';
import { bestLogitRange } from '../quantize/logit-range.js';
import type { Range } from '../quantize/params.js';
import { planQuantization, planUniformly } from '../quantize/plan-quantization.js';
import type { CompletePlan, QuantizationPlan } from '../quantize/plan-quantization.js';
import { tunableValues } from '../quantize/plan-ranges.js';
import type { TunableValue } from '../quantize/plan-ranges.js';
import { quantizeGraph } from '../quantize/quantize.js';
import type { KnownWeights } from '../quantize/weights.js';
import type { CompilePorts } from '../stages.js';
import { writeTfLite } from '../write/write-tflite.js';
import { heldOutPhotos } from './held-out.js';
import type { HeldOutPhoto } from './held-out.js';
import { judgedGraph } from './judged-graph.js';
import type { JudgedGraph } from './judged-graph.js';
import { OutputsError } from './outputs-error.js';
import { bases, keepsTuned, tune } from './tune.js';
import type { Base, Candidate } from './tune.js';

/** Channels are lifted half the way to their common peak: the whole way makes weights unlike. */
const equalizeStrength = 0.5;

/** A float graph that candidates are made of, and what calibration found on it. */
interface TunedBase {
  readonly graph: Graph;
  /** Before its weights were fitted. */
  readonly float: Graph;
  readonly calibration: Calibration;
}

/** Finds the plan that errs least on the photos of `heldOut`; `recalibrate` runs another graph on the representative photos. */
export async function tuneModel(
  graph: Graph,
  calibration: Calibration,
  inputs: ReadonlyMap<number, QuantParams>,
  heldOut: ObservedPhotos,
  recalibrate: (graph: Graph) => Promise<Calibration>,
  ports: CompilePorts,
): Promise<CompletePlan> {
  const judged = judgedGraph(graph);
  const photos = await heldOutPhotos(judged, heldOut, ports);
  const tunable = tunableValues(graph);
  const made = await tunedBases(graph, calibration, inputs, recalibrate);
  const planOf = ({ base, methods }: Candidate, replaced: ReadonlyMap<string, Range>): CompletePlan => {
    const from = made.get(base) ?? { graph, float: graph, calibration };
    const plan = planQuantization(from.graph, { calibration: from.calibration, inputs, methods, replaced });
    return { ...plan, float: from.float, calibration: from.calibration, methods, replaced };
  };
  const known: KnownWeights = new Map();
  const budget = candidateBudget(graph, photos.length, calibration.images);
  let measured = 0;
  ports.onStage('plan', 0, budget);
  const { candidate } = await tune(
    {
      bases: bases.filter((base) => made.has(base)),
      tunable,
      gain: (base, name, method) => narrowing(made.get(base)?.calibration ?? calibration, tunable, name, method),
    },
    async (one) => {
      const error = await measure(planOf(one, new Map()), judged, photos, known, ports);
      ports.onStage('plan', ++measured, Math.max(budget, measured));
      return error.value();
    },
    budget,
  );
  const tuned = planOf(candidate, logitRanges(judged, calibration, photos));
  const plain = planUniformly(graph, calibration, inputs, 'minmax');
  const tunedError = await measure(tuned, judged, photos, known, ports);
  const plainError = await measure(plain, judged, photos, known, ports);
  return keepsTuned(tunedError.seen(), plainError.seen()) ? tuned : plain;
}

/** The bases of candidates; what is fitted is equalized before, where that changes something. */
async function tunedBases(
  graph: Graph,
  calibration: Calibration,
  inputs: ReadonlyMap<number, QuantParams>,
  recalibrate: (graph: Graph) => Promise<Calibration>,
): Promise<ReadonlyMap<Base, TunedBase>> {
  // Layers whose inputs were not collected keep their weights, and get corrected biases at least.
  const corrected = (one: Graph, float: Graph, seen: Calibration): TunedBase => {
    const plan = planQuantization(one, { calibration: seen, inputs, methods: new Map(), replaced: new Map() });
    return { graph: correctBias(one, plan.assigned, seen.channelMeans), float, calibration: seen };
  };
  const lifted = isLarge(graph) ? graph : equalize(graph, calibration.channelPeaks, equalizeStrength);
  const isChanged = lifted.values.some(({ data }, index) => data !== graph.values[index]?.data);
  const [source, seen] = isChanged ? [lifted, await recalibrate(lifted)] : [graph, calibration];
  return new Map([
    ['nearest', corrected(graph, graph, calibration)],
    ['fitted', corrected(fitWeights(source, seen.weightInputs), source, seen)],
  ]);
}

/** Whether another set of weights or another calibration would cost too much memory or time. */
function isLarge(graph: Graph): boolean {
  const { weights, activations } = sizes(graph);
  return weights > 8e6 || activations > 4e6;
}

/** By how much a method narrows the range of a tensor. */
function narrowing(
  { ranges, histograms }: Calibration,
  tunable: readonly TunableValue[],
  name: string,
  method: RangeMethod,
): number {
  const range = ranges.get(name);
  const histogram = histograms.get(name);
  const kept = tunable.find((one) => one.name === name)?.kept ?? { min: true, max: true };
  if (range === undefined || histogram === undefined || range.max <= range.min) return 0;
  const chosen = chooseRange(method, range, histogram, kept);
  return 1 - (chosen.max - chosen.min) / (range.max - range.min);
}

/** The errors of a plan's int8 model, up to the logits, on the photos. */
async function measure(
  { graph, assigned }: QuantizationPlan,
  judged: JudgedGraph,
  photos: readonly HeldOutPhoto[],
  known: KnownWeights,
  ports: CompilePorts,
): Promise<OutputsError> {
  const { ops, outputs: wanted } = judged.graph;
  const options = { inputType: 'uint8', outputType: 'float32' } as const;
  const quantized = quantizeGraph({ ...graph, ops, outputs: wanted }, assigned, options, known);
  const error = new OutputsError(judged.outputs);
  await withModel(ports.openModel(writeModel(writeTfLite(quantized.graph))), async (model) => {
    for (const photo of photos) {
      ports.signal.throwIfAborted();
      const reals = await runAsReals(model, photo.pixels);
      const outputs = judged.outputs.map(({ name }) => reals.get(name) ?? new Float32Array());
      error.add(photo.outputs, outputs);
    }
  });
  return error;
}

/** What each last SOFTMAX reads gets the range that costs least over all photos, those that were held out too. */
function logitRanges(
  { outputs }: JudgedGraph,
  { logits, ranges }: Calibration,
  photos: readonly HeldOutPhoto[],
): ReadonlyMap<string, Range> {
  const replaced = new Map<string, Range>();
  for (const [index, { name, channels, logits: isLogits }] of outputs.entries()) {
    const measured = ranges.get(name);
    if (!isLogits || measured === undefined) continue;
    const rows = [...(logits.get(name) ?? [])];
    for (const photo of photos) {
      const values = photo.outputs[index] ?? new Float32Array();
      const step = channels * Math.max(1, Math.floor(values.length / channels / 64));
      for (let row = 0; row < values.length; row += step) rows.push(values.subarray(row, row + channels));
    }
    replaced.set(name, bestLogitRange(rows, measured));
  }
  return replaced;
}

/** The best candidate and the plain plan are run once more. */
const comparedAtLast = 2;

/**
 * How many candidates may be run, so that `auto` stays within a few times of what calibration costs. A candidate costs time for
 * its weights (to round, write and open them) and for each photo; both in milliseconds of one core of a common server.
 */
function candidateBudget(graph: Graph, heldOut: number, calibrated: number): number {
  const { weights, products, activations } = sizes(graph);
  const candidateMs = 5 + weights * 4e-5 + heldOut * products * 1e-8;
  const allowedMs = 1000 + calibrated * activations * 1e-5;
  return Math.min(40, Math.max(4, Math.floor(allowedMs / candidateMs)) - comparedAtLast);
}

/** Elements of the weights and of the activations, and products of one with the other in a run. */
function sizes(graph: Graph): { readonly weights: number; readonly products: number; readonly activations: number } {
  let [weights, products, activations] = [0, 0, 0];
  for (const op of graph.ops) {
    const output = elementCount(valueAt(graph, op.outputs[0] ?? -1).shape);
    activations += output;
    const rule = opTable[op.kind]?.weights;
    if (rule === undefined) continue;
    const { shape } = valueAt(graph, op.inputs[rule.weights] ?? -1);
    const count = elementCount(shape);
    weights += count;
    products += (output * count) / Math.max(1, shape[rule.perChannel ?? 0] ?? 1);
  }
  return { weights, products, activations };
}

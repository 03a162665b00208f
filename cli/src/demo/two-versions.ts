/** v1 and v2: trained, quantized, signed and stored; v1 also goes out, because every later version is judged against it. */
import { join } from 'node:path';
import { describeQuantization } from '../quantize-report.js';
import type { TrainingOutcome } from '../run-training.js';
import { askNodes, type NodeScores, scoresOf } from './ask-nodes.js';
import { type Quantized, quantizeModel } from './quantize-model.js';
import { publishGood } from './releases.js';
import type { RolloutOutcome } from './roll-out.js';
import { trainModel } from './train-model.js';
import { model, rollOutVersion, type Work } from './work.js';

/** The first version in service. */
export interface FirstVersion extends Quantized {
  readonly rollout: RolloutOutcome;
  /** Its scores for the photos that clients ask for. */
  readonly scores: NodeScores;
}

/** Passes over the training photos; v2 need only be another model. */
const epochs = { v1: 4, v2: 2 } as const;
/** Nothing served before v1, so there is nothing to compare it with. */
const firstSoakMs = 500;

/** Trains v1. */
export function trainFirst({ options, channels, photos, progress, runDir, machine }: Work): Promise<TrainingOutcome> {
  const training = { label: 'v1', seed: options.seed, epochs: epochs.v1, runDir: join(runDir, 'v1') };
  return trainModel(channels.trainer, photos, training, progress, machine.signal);
}

/** Trains v2 with another seed, beside other steps. */
export function trainSecond(
  { options, channels, photos, quiet, runDir }: Work,
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const training = { label: 'v2', seed: options.seed + 1, epochs: epochs.v2, runDir: join(runDir, 'v2') };
  return trainModel(channels.trainer, photos, training, quiet, signal);
}

/** Quantizes v1, compares it with its float original, publishes it and brings it to every node. */
export async function releaseFirst(work: Work): Promise<FirstVersion> {
  const { channels, photos, quiet, progress, runDir, machine, nodes, step } = work;
  const { signal } = machine;
  const folders = { runDir: join(runDir, 'v1'), outDir: join(runDir, 'v1-int8'), compare: true };
  const quantized = await quantizeModel(channels.quantizer, photos, folders, quiet, signal);
  progress.line(describeQuantization(quantized.report).replaceAll(/^/gm, '  '));

  step(`v1 signed, stored and rolled out to ${nodes.length} nodes`);
  await publishGood(work.publisher, 1n, quantized.int8);
  const rollout = await rollOutVersion(work, 1n, ['100%'], firstSoakMs);
  await askNodes(nodes, model, work.shown, (text) => progress.line(text), signal);
  const scores = await scoresOf(nodes[0]?.address ?? '', model, work.asked, signal);
  return { ...quantized, rollout, scores };
}

/** Quantizes v2 and publishes it. */
export async function releaseSecond({ channels, photos, quiet, runDir, machine, publisher }: Work): Promise<Quantized> {
  const folders = { runDir: join(runDir, 'v2'), outDir: join(runDir, 'v2-int8'), compare: false };
  const quantized = await quantizeModel(channels.quantizer, photos, folders, quiet, machine.signal);
  await publishGood(publisher, 2n, quantized.int8);
  return quantized;
}

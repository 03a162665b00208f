/** The bounds that the main job's figures must keep. Pure: from figures to what is wrong with them. */
import { percent } from '../quantize-report.js';
import type { Figures } from './figures.js';
import type { RolloutOutcome } from './roll-out.js';

/** One line for each figure that is out of its bound; empty when all is well. */
export function checkFigures(figures: Figures): readonly string[] {
  return [
    ...(figures.photos.known ? checkLearning(figures) : []),
    ...checkSize(figures),
    ...checkRollouts(figures),
    ...checkLoad(figures),
  ];
}

/** Learning and accuracy, where the photos are the ones that this is known of. */
function checkLearning({ photos, training, quantization }: Figures): readonly string[] {
  const accuracy = training.validationAccuracy;
  const [first = 0] = accuracy;
  const last = accuracy.at(-1) ?? 0;
  const wanted = 1 / photos.classes.length + 0.15;
  const compared = quantization.eval;
  const loss = Math.abs((compared?.floatTop1 ?? 1) - (compared?.int8Top1 ?? 0));
  return faults([
    [training.images >= 2_000, `it trained on ${training.images} photos, not 2,000`],
    [accuracy.length >= 3, `it trained ${accuracy.length} epochs, not 3`],
    [last > first, `validation accuracy did not rise: ${percent(first)} to ${percent(last)}`],
    [last >= wanted, `validation accuracy is ${percent(last)}, below ${percent(wanted)}`],
    [(compared?.images ?? 0) >= 300, `float and int8 were compared on ${compared?.images ?? 0} photos, not 300`],
    [(compared?.agreement ?? 0) >= 0.97, `int8 agrees with float on ${percent(compared?.agreement ?? 0)}, below 97 %`],
    [loss <= 0.02, `int8 and float are ${percent(loss)} apart in top-1, above 2 points`],
  ]);
}

function checkSize({ quantization, edgeTpu }: Figures): readonly string[] {
  const ratio = quantization.floatSizeBytes / quantization.sizeBytes;
  return faults([
    [ratio >= 3.9, `int8 is ${ratio.toFixed(2)} times smaller than float, below 3.9`],
    [edgeTpu.onEdgeTpu > 0 && edgeTpu.onCpu === 0, `${edgeTpu.onCpu} ops are left to the CPU beside the Edge TPU`],
  ]);
}

function checkRollouts({ nodes, first, swap, wrong, slow, versionsAtEnd }: Figures): readonly string[] {
  return faults([
    [first.phase === 'Complete', `v1 was not rolled out: ${ending(first)}`],
    [swap.phase === 'Complete' && swap.waves === 2, `v2 was not rolled out in 2 waves: ${ending(swap)}`],
    [isReverted(wrong, 'GOLDEN'), `v3 was not stopped in wave 1 for its golden cases: ${ending(wrong)}`],
    [isReverted(slow, 'TOO_SLOW'), `v4 was not stopped in wave 1 for its latency: ${ending(slow)}`],
    [
      versionsAtEnd.length === nodes && versionsAtEnd.every((version) => version === 2),
      `the nodes serve versions ${versionsAtEnd.join(', ')} at the end, not 2`,
    ],
  ]);
}

function checkLoad({ load, requests, failedRequests, scoreDifference }: Figures): readonly string[] {
  const idle = Object.entries(load.inFlightAtFlip).filter(([, count]) => count === 0);
  return faults([
    [load.clients >= 4, `${load.clients} clients made the load, not 4`],
    [load.requests >= 2_000, `${load.requests} requests were made over the swap, not 2,000`],
    [load.failed === 0, `${load.failed} of ${load.requests} requests failed over the swap`],
    [failedRequests === 0, `${failedRequests} of ${requests} requests failed in all`],
    [load.strangers === 0, `${load.strangers} answers named neither v1 nor v2`],
    [idle.length === 0, `no request was under way at the flip of ${idle.map(([node]) => node).join(', ')}`],
    [scoreDifference > 0.01, `v2 answers with the scores of v1: ${scoreDifference.toFixed(4)} apart`],
  ]);
}

function isReverted(outcome: RolloutOutcome, reason: string): boolean {
  const stopped = outcome.phase === 'Reverted' || outcome.phase === 'Aborted';
  return stopped && outcome.wave === 1 && outcome.nodeReasons.some((text) => text.includes(reason));
}

function ending({ phase, wave, waves, message, nodeReasons }: RolloutOutcome): string {
  return `${phase} in wave ${wave} of ${waves}: ${[message, ...nodeReasons].join('; ')}`;
}

function faults(checks: readonly (readonly [kept: boolean, fault: string])[]): readonly string[] {
  return checks.filter(([kept]) => !kept).map(([, fault]) => fault);
}

import { duration } from '../progress.js';
import { percent } from '../quantize-report.js';
import type { Figures } from './figures.js';
import type { RolloutOutcome } from './roll-out.js';

/** The short table at the end. */
export function summaryTable(figures: Figures): string {
  const { training, quantization, edgeTpu, load, photos } = figures;
  const compared = quantization.eval;
  const inFlight = Object.entries(load.inFlightAtFlip).map(([node, count]) => `${node} ${count}`);
  const rows: readonly (readonly [string, string])[] = [
    [
      'photos',
      `${training.images} to train on, ${photos.validation} to validate, ${photos.heldOut} held out; ${photos.source}`,
    ],
    [
      'engine',
      `${training.engine}, ${training.parameters.toLocaleString('en')} parameters, ${training.imagesPerSecond.toFixed(0)} photos/s`,
    ],
    ['validation accuracy', training.validationAccuracy.map(percent).join(' -> ')],
    ['float .tflite', `${quantization.floatSizeBytes.toLocaleString('en')} bytes`],
    [
      'int8 .tflite',
      `${quantization.sizeBytes.toLocaleString('en')} bytes, ${(quantization.floatSizeBytes / quantization.sizeBytes).toFixed(2)} times smaller`,
    ],
    [
      'float against int8',
      compared === undefined
        ? 'not compared'
        : `top-1 ${percent(compared.floatTop1 ?? 0)} and ${percent(compared.int8Top1 ?? 0)}, agreement ${percent(compared.agreement)} on ${compared.images} photos`,
    ],
    [
      edgeTpu.compiled ? 'Edge TPU (compiled)' : 'Edge TPU (plan)',
      `${edgeTpu.onEdgeTpu} ops on the Edge TPU, ${edgeTpu.onCpu} on the CPU`,
    ],
    ['v1', ending(figures.first)],
    ['v2 under load', ending(figures.swap)],
    [
      '  requests',
      `${load.requests} by ${load.clients} clients, ${load.failed} failed, p50 ${load.p50Ms.toFixed(1)} ms, p99 ${load.p99Ms.toFixed(1)} ms`,
    ],
    ['  in flight at flip', inFlight.join(', ')],
    ['  v1 to v2', `scores up to ${figures.scoreDifference.toFixed(3)} apart for the same photo`],
    ['v3 (wrong answers)', ending(figures.wrong)],
    ['v4 (turns slow)', ending(figures.slow)],
    [
      'nodes at the end',
      `${figures.versionsAtEnd.map((version) => `v${version}`).join(', ')}; ${figures.requests} requests in all, ${figures.failedRequests} failed`,
    ],
    ['time', duration(figures.seconds)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

function ending({ phase, wave, waves, seconds, nodeReasons }: RolloutOutcome): string {
  const why = nodeReasons.length === 0 ? '' : `; ${nodeReasons.join('; ')}`;
  return `${phase} in wave ${wave} of ${waves}, ${seconds.toFixed(1)} s${why}`;
}

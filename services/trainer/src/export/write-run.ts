/** Writes the files of a finished training into its run folder, each so that it appears whole. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@atoll/base/files';
import { drawSvg } from '@atoll/charts/draw';
import type { EpochRecord } from '../job/messages.js';
import type { Network } from '../model/network.js';
import type { Weight } from '../model/weights.js';
import { confusionChart, historyChart } from './charts.js';
import type { Confusion } from './confusion.js';
import type { JsonObject } from './keras-config.js';
import { writeKerasH5 } from './keras-h5.js';
import { writeLayersModel } from './layers-model.js';
import type { Prediction } from './predictions.js';

/** Everything that a run tells. */
export interface RunResults {
  readonly network: Network;
  readonly weights: readonly Weight[];
  readonly learningRate: number;
  readonly classes: readonly string[];
  readonly history: readonly EpochRecord[];
  readonly confusion: Confusion;
  readonly predictions: readonly Prediction[];
  /** job.json: data version, split, augmentation, seed, engine, versions, skipped photos. */
  readonly record: JsonObject;
}

/** Writes the files into `folder` and gives their names, relative with forward slashes. */
export async function writeRun(folder: string, results: RunResults): Promise<readonly string[]> {
  const { network, weights, learningRate, classes, history, confusion, predictions, record } = results;
  await mkdir(folder, { recursive: true });
  await writeKerasH5(join(folder, 'model.h5'), network, weights, learningRate);
  const layersModel = await writeLayersModel(join(folder, 'layers-model'), network, weights);
  const texts: Readonly<Record<string, string>> = {
    'labels.txt': `${classes.join('\n')}\n`,
    'history.json': json({ epoch: history }),
    'history.svg': await drawSvg(historyChart(history)),
    'confusion.json': json(confusion),
    'confusion.svg': await drawSvg(confusionChart(confusion)),
    'predictions.json': json(predictions),
    'job.json': json(record),
  };
  for (const [name, text] of Object.entries(texts)) await writeFileAtomic(join(folder, name), text);
  return ['model.h5', ...layersModel.map((name) => `layers-model/${name}`), ...Object.keys(texts)];
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

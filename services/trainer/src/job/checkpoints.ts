import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeKerasH5 } from '../export/keras-h5.js';
import type { Network } from '../model/network.js';
import type { Weight } from '../model/weights.js';
import type { EpochRecord } from './messages.js';

/** Keeps the model of the best epoch (by validation accuracy, the earliest on ties) and of the newest, as whole .h5 files. */
export class Checkpoints {
  readonly #folder: string;
  readonly #network: Network;
  readonly #learningRate: number;
  #best: EpochRecord | null = null;
  #newest: EpochRecord | null = null;

  constructor(folder: string, network: Network, learningRate: number) {
    this.#folder = folder;
    this.#network = network;
    this.#learningRate = learningRate;
  }

  /** Writes the weights after an epoch, then removes the file that is neither best nor newest any more. */
  async keep(record: EpochRecord, weights: readonly Weight[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeKerasH5(join(this.#folder, fileName(record)), this.#network, weights, this.#learningRate);
    const before = this.names();
    this.#newest = record;
    if (this.#best === null || record.valAccuracy > this.#best.valAccuracy) this.#best = record;
    const now = this.names();
    for (const name of before) if (!now.includes(name)) await rm(join(this.#folder, name), { force: true });
  }

  /** The files that are kept, best first. */
  names(): readonly string[] {
    return [...new Set([this.#best, this.#newest].flatMap((record) => (record === null ? [] : [fileName(record)])))];
  }
}

function fileName({ epoch }: EpochRecord): string {
  return `epoch-${String(epoch).padStart(3, '0')}.h5`;
}

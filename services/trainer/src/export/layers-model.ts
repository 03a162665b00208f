import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@atoll/base/files';
import type { Network } from '../model/network.js';
import type { Weight } from '../model/weights.js';
import { kerasModelConfig, kerasVersion } from './keras-config.js';

/** The one file of weights beside model.json. */
const shard = 'group1-shard1of1.bin';

/** Writes `folder`/model.json and its weights, which tfjs-layers' `loadLayersModel` opens; gives the names written. */
export async function writeLayersModel(
  folder: string,
  network: Network,
  weights: readonly Weight[],
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const model = {
    format: 'layers-model',
    generatedBy: 'Atoll',
    convertedBy: null,
    modelTopology: { keras_version: kerasVersion, backend: 'tensorflow', model_config: kerasModelConfig(network) },
    weightsManifest: [
      {
        paths: [shard],
        weights: weights.map(({ layer, name, shape }) => ({ name: `${layer}/${name}`, shape, dtype: 'float32' })),
      },
    ],
  };
  const bytes = Buffer.concat(
    weights.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  );
  await writeFileAtomic(join(folder, shard), bytes);
  await writeFileAtomic(join(folder, 'model.json'), JSON.stringify(model));
  return [shard, 'model.json'];
}

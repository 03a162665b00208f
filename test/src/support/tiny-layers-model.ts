import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a layers-model of one dense layer over 8 x 8 photos into `folder`, its weights all `value`; `layer` may name another class for it. */
export async function writeTinyLayersModel(folder: string, layer = 'Dense', value = 0.01): Promise<void> {
  const [inputs, units] = [8 * 8 * 3, 3];
  const layers = [
    { class_name: 'InputLayer', config: { batch_input_shape: [null, 8, 8, 3], dtype: 'float32', name: 'input' } },
    { class_name: 'Flatten', config: { name: 'flatten' } },
    { class_name: layer, config: { name: 'dense', units, activation: 'softmax', use_bias: true } },
  ];
  const weights = [
    { name: 'dense/kernel', shape: [inputs, units], dtype: 'float32' },
    { name: 'dense/bias', shape: [units], dtype: 'float32' },
  ];
  const model = {
    format: 'layers-model',
    modelTopology: { class_name: 'Sequential', config: { name: 'tiny', layers } },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.json'), JSON.stringify(model));
  await writeFile(
    join(folder, 'weights.bin'),
    new Uint8Array(new Float32Array(inputs * units + units).fill(value).buffer),
  );
}

// Files that others made, read and written again by our own reader and writer: the same model, and the same outputs to the bit.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { decodeImage } from '@atoll/image/decode';
import { tensorBytes } from '@atoll/runtime/model';
import type { LoadedModel } from '@atoll/runtime/model';
import { openModel } from '@atoll/runtime/open';
import { readLabels, readMetadata, withClassifierMetadata, appendLabels } from '@atoll/tflite/metadata';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { appendZip, readZip } from '@atoll/tflite/zip';

const libraries = cachePaths(process.env);
const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const names = existsSync(coral) ? readdirSync(coral) : [];
// One file is made to have tensors without buffers.
const models = names.filter((name) => name.endsWith('.tflite') && !name.includes('error'));
const photos = names.filter((name) => name.endsWith('.jpg'));
const skip =
  models.length === 0 || photos.length === 0
    ? 'no models and photos of google-coral/test_data in ../shared/data/coral'
    : false;

describe('readModel and writeModel on the files of others', { skip }, () => {
  for (const name of models) {
    it(`${name}: reading, writing and reading again ends at the same model and the same bytes`, () => {
      const model = readModel(readFileSync(join(coral, name)), name);
      const file = writeModel(model);
      const again = readModel(file, name);
      assert.deepEqual(again, model);
      assert.deepEqual(writeModel(again), file);
    });
  }

  for (const name of models.filter((one) => !one.includes('_edgetpu'))) {
    it(`${name} gives the same outputs for ${photos.length} photos after it was written again`, async () => {
      const file = readFileSync(join(coral, name));
      const outputs: Uint8Array[][] = [];
      for (const bytes of [file, writeModel(readModel(file, name))]) {
        const model = await openModel(bytes, { backend: 'auto', libraries });
        for (const photo of photos) outputs.push(await model.run(await inputsOf(model, photo)));
        await model.close();
      }
      assert.equal(outputs.length, 2 * photos.length);
      assert.deepEqual(outputs.slice(photos.length), outputs.slice(0, photos.length));
    });
  }

  it('metadata and the files behind a model are kept when it is written again with them', () => {
    const labels = ['one', 'two'];
    const [name = ''] = models;
    const model = readModel(readFileSync(join(coral, name)), name);
    const about = { name, description: '', version: '1', author: '', license: '', pixelMean: 127.5, pixelStd: 127.5 };
    const described = withClassifierMetadata(model, {
      ...about,
      imageWidth: 9,
      imageHeight: 8,
      imageChannels: 3,
      labels,
    });
    const file = appendLabels(writeModel(described), labels);
    const again = appendZip(writeModel(readModel(file)), readZip(file, name));
    assert.deepEqual(again, file);
    assert.deepEqual(readLabels(again, readModel(again)), labels);
    assert.deepEqual(readMetadata(readModel(again)), readMetadata(readModel(file)));
  });
});

/** The photo at the size of an image input; other inputs get its first bytes. */
async function inputsOf(model: LoadedModel, photo: string): Promise<readonly Uint8Array[]> {
  const encoded = readFileSync(join(coral, photo));
  return Promise.all(
    model.inputs.map(async (input) => {
      const [, height = 0, width = 0, channels] = input.shape;
      const isImage = input.shape.length === 4 && channels === 3 && input.dtype === 'uint8';
      if (isImage) return await decodeImage(encoded, { width, height, channels });
      const pixels = await decodeImage(encoded, { width: 64, height: 64, channels: 3 });
      return Uint8Array.from({ length: tensorBytes(input) }, (_, at) => pixels[at % pixels.length] ?? 0);
    }),
  );
}

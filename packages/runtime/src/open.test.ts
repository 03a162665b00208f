import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cachePaths } from '@atoll/base/cache';
import { AtollError } from '@atoll/base/error';
import { openEdgeTpu } from './edgetpu.js';
import { openLiteRt } from './litert.js';
import { tensorBytes } from './model.js';
import type { LoadedModel } from './model.js';
import { trimMemory } from './native.js';
import { openModel } from './open.js';
import { tinyClassifier } from './tiny-classifier-for-tests.js';
import { openTfLite } from './tflite.js';
import { openWasm } from './wasm.js';

const { liteRt, tfLite } = cachePaths(process.env);
const libraries = { liteRt, tfLite };
const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const remedy = 'is not in the cache; npm start or npm test fetches it';
const size = 8;
const picture = (seed: number): Uint8Array =>
  Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31 + seed * 97) % 256);

/** A full collection, which Node gives only on demand. */
const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

const backends: readonly {
  name: string;
  skip: string | false;
  open: (bytes: Uint8Array) => LoadedModel | Promise<LoadedModel>;
}[] = [
  {
    name: 'native-litert',
    skip: !existsSync(liteRt) && `LiteRT ${remedy}`,
    open: (bytes) => openLiteRt(bytes, liteRt, 1),
  },
  {
    name: 'native-tflite',
    skip: !existsSync(tfLite) && `TFLite ${remedy}`,
    open: (bytes) => openTfLite(bytes, tfLite, 1),
  },
  { name: 'wasm', skip: false, open: openWasm },
];

for (const { name, skip, open } of backends) {
  describe(`a model on ${name}`, { skip }, () => {
    for (const io of ['uint8', 'int8'] as const) {
      test(`describes its ${io} tensors and gives the scores of wasm within one step`, async () => {
        const bytes = tinyClassifier({ seed: 1, size, classes: 5, io });
        const [model, reference] = [await open(bytes), await openWasm(bytes)];
        const zeroPoint = io === 'uint8' ? 0 : -128;
        assert.equal(model.backend, name);
        assert.deepEqual(model.inputs, [
          { name: 'image', dtype: io, shape: [1, size, size, 3], scale: Math.fround(1 / 255), zeroPoint },
        ]);
        assert.deepEqual(model.outputs[0]?.shape, [1, 5]);
        assert.deepEqual([model.outputs[0]?.scale, model.outputs[0]?.zeroPoint], [1 / 256, zeroPoint]);
        for (let seed = 0; seed < 8; seed++) {
          const [expected] = reference.runSync([picture(seed)]);
          const [sync] = model.runSync([picture(seed)]);
          const [offLoop] = await model.run([picture(seed)]);
          assert.ok(sync !== undefined && expected !== undefined);
          assert.deepEqual(offLoop, sync);
          sync.forEach((value, i) => assert.ok(Math.abs(value - (expected[i] ?? 0)) <= 1, `class ${i}`));
        }
        await Promise.all([model.close(), reference.close()]);
      });
    }

    test('serializes runs that are asked for at once', async () => {
      const model = await open(tinyClassifier({ seed: 2, size, classes: 5, io: 'uint8' }));
      const alone = Array.from({ length: 16 }, (_, seed) => model.runSync([picture(seed)]));
      const together = await Promise.all(alone.map((_, seed) => model.run([picture(seed)])));
      assert.deepEqual(together, alone);
      await model.close();
    });

    test('refuses wrong inputs and runs after close; close twice is fine', async () => {
      const model = await open(tinyClassifier({ seed: 3, size, classes: 5, io: 'uint8' }));
      assert.throws(() => model.runSync([]), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(model.run([new Uint8Array(5)]), { code: 'INVALID_ARGUMENT', message: /192 bytes, not 5/ });
      const last = model.run([picture(1)]);
      const closed = model.close();
      assert.equal((await last).length, 1);
      await closed;
      await model.close();
      assert.throws(() => model.runSync([picture(1)]), { code: 'FAILED_PRECONDITION' });
    });

    test('refuses damaged files with one line', async () => {
      const whole = tinyClassifier({ seed: 4, size, classes: 5, io: 'uint8' });
      const damaged = [
        whole.subarray(0, 100),
        whole.subarray(0, whole.length / 2),
        new Uint8Array(0),
        Buffer.from('GIF89a, really'),
      ];
      for (const bytes of damaged) {
        await assert.rejects(
          async () => open(bytes),
          (error) => {
            assert.ok(error instanceof AtollError, String(error));
            assert.match(error.message, /^cannot (open|read) the model: [^\n]+$/);
            return true;
          },
        );
      }
    });

    test('keeps the bytes of its file from collection while it is open', async () => {
      // The only reference to the bytes is given away, and what the collector frees is written over.
      const opened = async () => {
        const bytes = tinyClassifier({ seed: 7, size, classes: 5, io: 'uint8' });
        return { model: await open(bytes), bytes: new WeakRef(bytes) };
      };
      const { model, bytes } = await opened();
      const before = Array.from({ length: 8 }, (_, seed) => model.runSync([picture(seed)]));
      const sizeBytes = tinyClassifier({ seed: 7, size, classes: 5, io: 'uint8' }).buffer.byteLength;
      for (let round = 0; round < 4; round++) {
        await setImmediate(); // A weak reference holds on until the turn ends.
        collectGarbage();
        if (name !== 'wasm') assert.ok(bytes.deref() !== undefined, 'collected in spite of the open model');
        const pressure = Array.from({ length: 500 }, () => new Uint8Array(sizeBytes).fill(0xa5));
        assert.equal(pressure.at(-1)?.at(-1), 0xa5);
      }
      const after = Array.from({ length: 8 }, (_, seed) => model.runSync([picture(seed)]));
      assert.deepEqual(after, before);
      await model.close();
    });

    test('gives the same outputs from bytes that are not aligned, and leaves the bytes as they are', async () => {
      const bytes = tinyClassifier({ seed: 8, size, classes: 5, io: 'uint8' });
      const digest = Buffer.from(bytes).toString('base64');
      const aligned = new Uint8Array(bytes.length);
      aligned.set(bytes);
      const odd = new Uint8Array(bytes.length + 3).subarray(3);
      odd.set(bytes);
      const models = [await open(aligned), await open(odd)] as const;
      for (let seed = 0; seed < 8; seed++) {
        assert.deepEqual(models[1].runSync([picture(seed)]), models[0].runSync([picture(seed)]));
      }
      await Promise.all(models.map((model) => model.close()));
      for (const used of [aligned, odd]) assert.equal(Buffer.from(used).toString('base64'), digest);
    });

    test('does not grow over 100 times load, run and close', async () => {
      const bytes = tinyClassifier({ seed: 5, size: 64, classes: 100, io: 'uint8' });
      const once = async (): Promise<void> => {
        const model = await open(bytes);
        await model.run([new Uint8Array(64 * 64 * 3)]);
        await model.close();
      };
      for (let i = 0; i < 40; i++) await once();
      // What the allocator keeps of closed models differs from run to run by more than a leak would.
      trimMemory();
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 100; i++) await once();
      trimMemory();
      // One model and its buffers take over 1.2 MB, so a leak of even one part of it would show as more than 100 MB.
      const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
      assert.ok(grown < 100, `grew by ${grown.toFixed(1)} MB`);
    });
  });
}

describe('openModel()', () => {
  test('auto takes the first backend that is there', async () => {
    const model = await openModel(tinyClassifier({ seed: 6, size, classes: 3, io: 'uint8' }), {
      backend: 'auto',
      libraries,
    });
    const expected = existsSync(liteRt) ? 'native-litert' : existsSync(tfLite) ? 'native-tflite' : 'wasm';
    assert.equal(model.backend, expected);
    await model.close();
  });

  test('auto without native libraries takes wasm; native says which files are missing', async () => {
    const none = { liteRt: '/none/libLiteRt.so', tfLite: '/none/libtensorflowlite_c.so' };
    const bytes = tinyClassifier({ seed: 6, size, classes: 3, io: 'uint8' });
    const model = await openModel(bytes, { backend: 'auto', libraries: none });
    assert.equal(model.backend, 'wasm');
    await model.close();
    await assert.rejects(openModel(bytes, { backend: 'native', libraries: none }), {
      code: 'UNAVAILABLE',
      message: /\/none\/libLiteRt\.so/,
    });
  });

  test('edgetpu without its runtime is one clear line', { skip: !existsSync(tfLite) && `TFLite ${remedy}` }, () => {
    const bytes = tinyClassifier({ seed: 6, size, classes: 3, io: 'uint8' });
    assert.throws(() => openEdgeTpu(bytes, { tfLite, library: 'libedgetpu-that-is-not-there.so' }), {
      code: 'UNAVAILABLE',
      message: /^cannot load the Edge TPU runtime \(libedgetpu; its package is libedgetpu1-std\) from [^\n]+$/,
    });
  });
});

describe(
  'published models',
  { skip: !existsSync(coral) && 'no models of google-coral/test_data in ../shared/data/coral' },
  () => {
    const read = (file: string): Uint8Array => readFileSync(join(coral, file));

    for (const file of [
      'tf2_mobilenet_v2_1.0_224_ptq.tflite',
      'mobilenet_v1_0.25_128_quant.tflite',
      'split_concat.tflite',
    ]) {
      test(`${file} gives the same top class on every backend`, async () => {
        const tops: number[][] = [];
        for (const backend of backends.filter(({ skip }) => skip === false)) {
          const model = await backend.open(read(file));
          const inputs = model.inputs.map((spec) =>
            Uint8Array.from({ length: tensorBytes(spec) }, (_, i) => (i * 37) % 256),
          );
          tops.push((await model.run(inputs)).map((output) => output.indexOf(Math.max(...output))));
          await model.close();
        }
        tops.forEach((top) => assert.deepEqual(top, tops[0]));
      });
    }

    const noNative = !existsSync(liteRt) && !existsSync(tfLite) && `LiteRT ${remedy}`;
    test('an unknown operator is named in the reason', { skip: noNative }, async () => {
      const opening = openModel(read('model_invoking_error.tflite'), { backend: 'native', libraries });
      await assert.rejects(opening, { code: 'FAILED_PRECONDITION', message: /fake-op-double/ });
    });

    test('a compiled Edge TPU file runs on no CPU', async () => {
      const bytes = read('mobilenet_v1_0.25_128_quant_edgetpu.tflite');
      for (const { skip, open } of backends) {
        if (skip !== false) continue;
        await assert.rejects(async () => open(bytes), { code: 'FAILED_PRECONDITION', message: /edgetpu-custom-op/ });
      }
    });
  },
);

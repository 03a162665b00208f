import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import { decodeImage } from '@atoll/image/decode';
import { openModel } from '@atoll/runtime/open';
import { tinyClassifier } from '@atoll/runtime/tiny-classifier-for-tests';
import { appendLabels, withClassifierMetadata } from '@atoll/tflite/metadata';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { rgbPng } from '../support/png.js';
import { repositoryRoot } from '../support/repository.js';
import { taskLibraryPython } from './keras-venv.js';

const runFile = promisify(execFile);
const size = 24;
const labels = ['airplane', 'frog', 'Schiff äöü', 'truck'];

/** What task-library.py prints. */
interface Read {
  readonly missing?: string;
  readonly metadata: {
    readonly min_parser_version: string;
    readonly subgraph_metadata: readonly {
      readonly input_tensor_metadata: readonly {
        readonly content: unknown;
        readonly process_units: unknown;
      }[];
      readonly output_tensor_metadata: readonly { readonly associated_files: readonly { readonly type: string }[] }[];
    }[];
  };
  readonly leastParser: string;
  readonly files: Readonly<Record<string, string>>;
  readonly classes: readonly { readonly name: string; readonly score: number }[];
}

const root = await mkdtemp(join(tmpdir(), 'atoll-task-library-'));
const found = await taskLibraryPython(process.env);
const read = 'python' in found ? await readByPeer(found.python) : found.skip;

describe(
  'TFLite Metadata against the task library of tflite-support',
  { skip: typeof read === 'string' && read },
  () => {
    const seen = read as Read;
    after(() => rm(root, { recursive: true, force: true }));

    test('it finds the normalization of the float model, the size of the picture and the kind of the labels', () => {
      const [subgraph] = seen.metadata.subgraph_metadata;
      assert.deepEqual(subgraph?.input_tensor_metadata[0]?.content, {
        content_properties_type: 'ImageProperties',
        content_properties: { color_space: 'RGB', default_size: { width: size, height: size } },
      });
      assert.deepEqual(subgraph?.input_tensor_metadata[0]?.process_units, [
        { options_type: 'NormalizationOptions', options: { mean: [0], std: [255] } },
      ]);
      assert.equal(subgraph?.output_tensor_metadata[0]?.associated_files[0]?.type, 'TENSOR_AXIS_LABELS');
    });

    test('the least version of the parser is the one that its own rule gives', () => {
      assert.equal(seen.metadata.min_parser_version, seen.leastParser);
    });

    test('it reads the labels from behind the model', () => {
      assert.deepEqual(seen.files, { 'labels.txt': `${labels.join('\n')}\n` });
    });

    test('its classifier names the classes of a picture as our runtime does', async () => {
      const model = await openModel(modelFile(), { backend: 'auto', libraries: cachePaths(process.env) });
      const [scores = new Uint8Array()] = await model.run([
        await decodeImage(picture(), { width: size, height: size, channels: 3 }),
      ]);
      await model.close();
      const expected = labels
        .map((name, index) => ({ name, count: scores[index] ?? 0 }))
        .toSorted((a, b) => b.count - a.count);
      const actual = seen.classes.map(({ name, score }) => ({ name, count: Math.round(score * 256) }));
      assert.equal(actual[0]?.name, expected[0]?.name);
      for (const { name, count } of expected) {
        const other = actual.find((one) => one.name === name)?.count ?? 0;
        assert.ok(Math.abs(other - count) <= 1, `${name}: ${other} there, ${count} here`);
      }
    });
  },
);

function modelFile(): Uint8Array {
  const model = readModel(tinyClassifier({ seed: 4, size, classes: labels.length, io: 'uint8' }));
  const described = withClassifierMetadata(model, {
    name: 'photos',
    description: 'four classes',
    version: '1',
    author: '',
    license: '',
    pixelMean: 0,
    pixelStd: 255,
    imageWidth: size,
    imageHeight: size,
    imageChannels: 3,
    labels,
  });
  return appendLabels(writeModel(described), labels);
}

/** Of the model's own size, so that nobody resamples it. */
function picture(): Buffer {
  return rgbPng(size, size, (x, y) => [(9 * x) % 256, (9 * y) % 256, (5 * x + 7 * y) % 256]);
}

/** What the peer reads, or why it cannot. */
async function readByPeer(python: string): Promise<Read | string> {
  const files = [join(root, 'm.tflite'), join(root, 'picture.png')] as const;
  await writeFile(files[0], modelFile());
  await writeFile(files[1], picture());
  const script = join(repositoryRoot, 'test/src/peers/task-library.py');
  const { stdout } = await runFile(python, [script, ...files], { timeout: 120_000 });
  const result = JSON.parse(stdout) as Read;
  return result.missing === undefined
    ? result
    : `tflite-support does not load (${result.missing}): install libusb-1.0-0`;
}

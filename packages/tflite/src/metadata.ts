// TFLite Metadata: what a model is and how to feed it, as a second flatbuffer in one of its buffers, and the labels as a zip
// behind its bytes. Readers in Android, Python and C++ find labels and normalization there without being told.
import { AtollError } from '@atoll/base/error';
import { decodeFlatbuffer } from './flatbuffer-decode.js';
import { encodeFlatbuffer } from './flatbuffer-encode.js';
import type { Decoded } from './flatbuffer-schema.js';
import { mainSubgraph } from './model.js';
import type { TfLiteModel } from './model.js';
import { metadataIdentifier, metadataSchema } from './schema/metadata.js';
import { appendZip, readZip } from './zip.js';

/** TFLite Metadata in full. */
export type Metadata = Decoded<typeof metadataSchema>;

/** What an image classifier says of itself. */
export interface ClassifierMetadata {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly author: string;
  readonly license: string;
  /** Normalization of the FLOAT model on pixels 0 to 255: (pixel - mean) / std, also when the input is quantized. */
  readonly pixelMean: number;
  readonly pixelStd: number;
  readonly imageWidth: number;
  readonly imageHeight: number;
  /** 3 for RGB, 1 for grey. */
  readonly imageChannels: 1 | 3;
  /** Class names in the order of the output. */
  readonly labels: readonly string[];
}

const entryName = 'TFLITE_METADATA';
const minRuntimeName = 'min_runtime_version';
const labelsFile = 'labels.txt';
/** Room for a hundred thousand class names. */
const maxLabelBytes = 4 * 1024 * 1024;
const axisLabels = 2;
/** ColorSpaceType of the metadata's schema. */
const colorSpaces = { 1: 2, 3: 1 } as const;

/** The model with metadata for one image input, class scores as the first output and others unnamed; the labels go on at the end with `appendLabels`. */
export function withClassifierMetadata(model: TfLiteModel, classifier: ClassifierMetadata): TfLiteModel {
  const plain = { dimensionNames: [], content: undefined, processUnits: [], stats: undefined, associatedFiles: [] };
  const { pixelMean: mean, pixelStd: std } = classifier;
  const unnamed = mainSubgraph(model).outputs.slice(1);
  const metadata: Metadata = {
    name: classifier.name,
    description: classifier.description,
    version: classifier.version,
    subgraphs: [
      {
        name: '',
        description: '',
        inputs: [
          {
            ...plain,
            name: 'image',
            description: `${classifier.imageChannels === 3 ? 'RGB' : 'Grey'} pixels, row by row from the top left`,
            content: {
              contentProperties: {
                type: 'ImageProperties',
                colorSpace: colorSpaces[classifier.imageChannels],
                defaultSize: { width: classifier.imageWidth, height: classifier.imageHeight },
              },
              range: undefined,
            },
            processUnits: [{ options: { type: 'NormalizationOptions', mean: [mean], std: [std] } }],
            stats: { min: [-mean / std], max: [(255 - mean) / std] },
          },
        ],
        outputs: [
          {
            ...plain,
            name: 'score',
            description: 'Score of each class, in the order of the labels',
            stats: { min: [0], max: [1] },
            associatedFiles:
              classifier.labels.length === 0
                ? []
                : [{ name: labelsFile, description: 'Class names, one a line', type: axisLabels, locale: '' }],
          },
          // Readers want an entry for each output.
          ...unnamed.map(() => ({ ...plain, name: '', description: '' })),
        ],
        associatedFiles: [],
        inputProcessUnits: [],
        outputProcessUnits: [],
      },
    ],
    author: classifier.author,
    license: classifier.license,
    associatedFiles: [],
    minParserVersion: '1.0.0',
  };
  return withEntry(model, entryName, encodeFlatbuffer(metadataSchema, metadata, metadataIdentifier));
}

/** The file with a zip behind it that holds labels.txt; unchanged when there are no labels. */
export function appendLabels(file: Uint8Array, labels: readonly string[]): Uint8Array {
  if (labels.length === 0) return file;
  return appendZip(file, [{ name: labelsFile, data: new TextEncoder().encode(`${labels.join('\n')}\n`) }]);
}

/** The model with the note, for information only, of the least runtime that has all its operators ("1.14.0"). */
export function withMinRuntimeVersion(model: TfLiteModel, version: string): TfLiteModel {
  const data = new Uint8Array(16);
  data.set(new TextEncoder().encode(version).subarray(0, 15));
  return withEntry(model, minRuntimeName, data);
}

function withEntry(model: TfLiteModel, name: string, data: Uint8Array): TfLiteModel {
  return {
    ...model,
    buffers: [...model.buffers, data],
    metadata: [...model.metadata.filter((entry) => entry.name !== name), { name, buffer: model.buffers.length }],
  };
}

/** The model's TFLite Metadata, or null when it has none. */
export function readMetadata(model: TfLiteModel, what = 'the model'): Metadata | null {
  const entry = model.metadata.find(({ name }) => name === entryName);
  const data = entry === undefined ? undefined : model.buffers[entry.buffer];
  return data === undefined ? null : decodeFlatbuffer(data, metadataSchema, metadataIdentifier, `metadata of ${what}`);
}

/** The least runtime version that the model says it needs, or null. */
export function readMinRuntimeVersion(model: TfLiteModel): string | null {
  const entry = model.metadata.find(({ name }) => name === minRuntimeName);
  const data = entry === undefined ? undefined : model.buffers[entry.buffer];
  return data === undefined ? null : (new TextDecoder().decode(data.subarray(0, 64)).split('\0')[0] ?? '');
}

/** The class names of the first output that has them, read from the file's own zip; null when there are none. */
export function readLabels(file: Uint8Array, model: TfLiteModel, what = 'the model'): readonly string[] | null {
  const outputs = readMetadata(model, what)?.subgraphs[0]?.outputs ?? [];
  const wanted = outputs.flatMap((output) => output.associatedFiles).find(({ type }) => type === axisLabels);
  if (wanted === undefined) return null;
  const entry = readZip(file, what).find(({ name }) => name === wanted.name);
  if (entry !== undefined && entry.data.length > maxLabelBytes) {
    throw new AtollError('DATA_LOSS', `cannot read the labels of ${what}: ${entry.data.length} bytes are too many`);
  }
  return entry === undefined ? null : new TextDecoder().decode(entry.data).trimEnd().split(/\r?\n/);
}

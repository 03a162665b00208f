// The tables of TFLite Metadata: metadata_schema.fbs of tflite-support, version 1.1.0, file identifier M001.
import { f32, f32s, i32, i8, table, tables, text, texts, u32, u32s, union } from '../flatbuffer-schema.js';

/** File identifier of the metadata flatbuffer. */
export const metadataIdentifier = 'M001';

const associatedFile = { name: text(), description: text(), type: i8(), locale: text() } as const;

const contentProperties = {
  FeatureProperties: {},
  ImageProperties: { colorSpace: i8(), defaultSize: table({ width: u32(), height: u32() }) },
  // `type` in the schema, which here is the word for the member of the union.
  BoundingBoxProperties: { index: u32s(), boxType: i8(), coordinateType: i8() },
} as const;

const processUnit = {
  options: union({
    NormalizationOptions: { mean: f32s(), std: f32s() },
    ScoreCalibrationOptions: { scoreTransformation: i8(), defaultScore: f32() },
    ScoreThresholdingOptions: { globalScoreThreshold: f32() },
    BertTokenizerOptions: { vocabFile: tables(associatedFile) },
    SentencePieceTokenizerOptions: { sentencePieceModel: tables(associatedFile), vocabFile: tables(associatedFile) },
  }),
} as const;

const tensorMetadata = {
  name: text(),
  description: text(),
  dimensionNames: texts(),
  content: table({ contentProperties: union(contentProperties), range: table({ min: i32(), max: i32() }) }),
  processUnits: tables(processUnit),
  stats: table({ max: f32s(), min: f32s() }),
  associatedFiles: tables(associatedFile),
} as const;

/** The root table of TFLite Metadata. */
export const metadataSchema = {
  name: text(),
  description: text(),
  version: text(),
  subgraphs: tables({
    name: text(),
    description: text(),
    inputs: tables(tensorMetadata),
    outputs: tables(tensorMetadata),
    associatedFiles: tables(associatedFile),
    inputProcessUnits: tables(processUnit),
    outputProcessUnits: tables(processUnit),
  }),
  author: text(),
  license: text(),
  associatedFiles: tables(associatedFile),
  minParserVersion: text(),
} as const;

// The tables of a .tflite file: schema.fbs of LiteRT, version 3d, file identifier TFL3. Field order is the format.
import { bool, bools, bytes, f32s, i32, i32s, i64s, i8, table, tables, text, u16s, u32, u64, union } from '../flatbuffer-schema.js';
import { builtinOptions, builtinOptions2 } from './options.js';

/** File identifier of a .tflite file. */
export const modelIdentifier = 'TFL3';

const quantizationDetails = {
  CustomQuantization: { custom: bytes(16) },
  BlockwiseQuantization: { scales: i32(), zeroPoints: i32(), blockSize: i32() },
  MultiAxisQuantization: { scales: i32(), zeroPoints: i32(), blockSize: i32(), quantizedDimensions: i32s() },
} as const;

const quantization = {
  min: f32s(),
  max: f32s(),
  scale: f32s(),
  zeroPoint: i64s(),
  details: union(quantizationDetails),
  dimension: i32(),
} as const;

const sparseIndices = {
  Int32Vector: { values: i32s() },
  Uint16Vector: { values: u16s() },
  Uint8Vector: { values: bytes(4) },
} as const;

const sparsity = {
  traversalOrder: i32s(),
  blockMap: i32s(),
  dimensions: tables({
    format: i8(),
    denseSize: i32(),
    segments: union(sparseIndices),
    indices: union(sparseIndices),
  }),
} as const;

const tensor = {
  shape: i32s(true),
  type: i8(),
  buffer: u32(),
  name: text(),
  quantization: table(quantization),
  isVariable: bool(),
  sparsity: table(sparsity),
  shapeSignature: i32s(),
  hasRank: bool(),
  variantTensors: tables({ shape: i32s(), type: i8(), hasRank: bool() }),
  externalBuffer: u32(),
} as const;

const operatorCode = { deprecatedBuiltinCode: i8(), customCode: text(), version: i32(1), builtinCode: i32() } as const;

const operator = {
  opcode: u32(),
  inputs: i32s(true),
  outputs: i32s(true),
  options: union(builtinOptions),
  customOptions: bytes(),
  customOptionsFormat: i8(),
  mutatingInputs: bools(),
  intermediates: i32s(),
  largeCustomOptionsOffset: u64(),
  largeCustomOptionsSize: u64(),
  options2: union(builtinOptions2),
} as const;

const subgraph = {
  tensors: tables(tensor),
  inputs: i32s(true),
  outputs: i32s(true),
  operators: tables(operator),
  name: text(),
} as const;

const tensorMap = { name: text(), tensor: u32() } as const;

/** The root table of a .tflite file. */
export const modelSchema = {
  version: u32(),
  operatorCodes: tables(operatorCode),
  subgraphs: tables(subgraph),
  description: text(),
  buffers: tables({ data: bytes(16), offset: u64(), size: u64() }),
  metadataBuffer: i32s(),
  metadata: tables({ name: text(), buffer: u32() }),
  signatures: tables({
    inputs: tables(tensorMap),
    outputs: tables(tensorMap),
    key: text(),
    deprecatedTag: text(),
    subgraph: u32(),
  }),
} as const;

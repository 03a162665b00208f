// A .tflite file as plain read-only data. Indices point into the arrays of the same model, exactly as in the file.
import type { Decoded } from './flatbuffer-schema.js';
import type { TensorType } from './enums.js';
import type { modelSchema } from './schema/model.js';
import type { OperatorOptions } from './schema/options.js';
import { opNameOf } from './ops.js';

type Wire = Decoded<typeof modelSchema>;
type WireTensor = Wire['subgraphs'][number]['tensors'][number];

/** A whole .tflite file. Buffer 0 is the empty one that tensors without data point at. */
export interface TfLiteModel {
  readonly description: string;
  readonly operatorCodes: readonly OperatorCode[];
  /** The first is the main one; others are bodies of WHILE, IF, CALL_ONCE or further signatures. */
  readonly subgraphs: readonly Subgraph[];
  readonly buffers: readonly Uint8Array[];
  readonly metadata: readonly MetadataEntry[];
  readonly signatures: readonly Signature[];
}

/** Which operator an Operator is: BuiltinOperator number, or 32 (CUSTOM) with a name; and the version of its contract. */
export interface OperatorCode {
  readonly code: number;
  readonly customCode: string;
  readonly version: number;
}

/** One graph: tensors, and operators in execution order. */
export interface Subgraph {
  readonly name: string;
  readonly tensors: readonly Tensor[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly operators: readonly Operator[];
}

/** A tensor; its data, if constant, is `buffers[buffer]`. */
export interface Tensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly buffer: number;
  readonly quantization: Quantization | null;
  readonly isVariable: boolean;
  /** The shape with -1 for sizes that are not fixed; empty when all are. */
  readonly shapeSignature: readonly number[];
  readonly hasRank: boolean;
  readonly sparsity: WireTensor['sparsity'] | null;
  readonly variantTensors: WireTensor['variantTensors'];
}

/** real = scale * (q - zeroPoint); several scales lie along `dimension`. min and max are informative and often empty. */
export interface Quantization {
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly dimension: number;
  readonly details: NonNullable<WireTensor['quantization']>['details'] | null;
}

/** One operator. An absent optional input is -1. */
export interface Operator {
  readonly opcode: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: OperatorOptions | null;
  readonly customOptions: Uint8Array;
  readonly mutatingInputs: readonly boolean[];
  readonly intermediates: readonly number[];
}

/** A named piece of metadata, held in a buffer. */
export interface MetadataEntry {
  readonly name: string;
  readonly buffer: number;
}

/** A named entry: names for the inputs and outputs of one subgraph. */
export interface Signature {
  readonly key: string;
  readonly subgraph: number;
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/** A name that a signature gives to a tensor of its subgraph. */
export interface SignatureTensor {
  readonly name: string;
  readonly tensor: number;
}

/** The subgraph that runs by default; a model that was read or checked always has one. */
export function mainSubgraph(model: TfLiteModel): Subgraph {
  const [main] = model.subgraphs;
  if (main === undefined) throw new RangeError('a model has at least one subgraph');
  return main;
}

/** BuiltinOperator name of an operator ("CONV_2D"), or the name of a custom one. */
export function operatorName(model: TfLiteModel, operator: Operator): string {
  const code = model.operatorCodes[operator.opcode];
  return code === undefined ? 'UNKNOWN' : opNameOf(code);
}

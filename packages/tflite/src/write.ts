import { encodeFlatbuffer } from './flatbuffer-encode.js';
import type { Decoded, UnionMember } from './flatbuffer-schema.js';
import { tensorTypes } from './enums.js';
import type { Operator, Tensor, TfLiteModel } from './model.js';
import { modelIdentifier, modelSchema } from './schema/model.js';
import { builtinOptions, builtinOptions2 } from './schema/options.js';

type Wire = Decoded<typeof modelSchema>;
type WireTensor = Wire['subgraphs'][number]['tensors'][number];
type WireOperator = Wire['subgraphs'][number]['operators'][number];

/** The bytes of a .tflite file: schema version 3, buffer data 16-byte aligned, both fields of every operator code filled. */
export function writeModel(model: TfLiteModel): Uint8Array {
  const dataBytes = model.buffers.reduce((sum, buffer) => sum + buffer.length + 32, 0);
  const wire: Wire = {
    version: 3,
    operatorCodes: model.operatorCodes.map(({ code, customCode, version }) => ({
      deprecatedBuiltinCode: Math.min(code, 127),
      customCode,
      version,
      builtinCode: code,
    })),
    subgraphs: model.subgraphs.map((subgraph) => ({
      ...subgraph,
      tensors: subgraph.tensors.map(writeTensor),
      operators: subgraph.operators.map(writeOperator),
    })),
    description: model.description,
    buffers: model.buffers.map((data) => ({ data, offset: 0n, size: 0n })),
    metadataBuffer: [],
    metadata: model.metadata,
    signatures: model.signatures.map((signature) => ({ ...signature, deprecatedTag: '' })),
  };
  return encodeFlatbuffer(modelSchema, wire, modelIdentifier, dataBytes + 65_536);
}

function writeTensor(tensor: Tensor): WireTensor {
  const { quantization } = tensor;
  return {
    ...tensor,
    type: tensorTypes[tensor.type],
    quantization:
      quantization === null
        ? undefined
        : {
            ...quantization,
            zeroPoint: quantization.zeroPoint.map(BigInt),
            details: quantization.details ?? undefined,
          },
    sparsity: tensor.sparsity ?? undefined,
    externalBuffer: 0,
  };
}

function writeOperator(operator: Operator): WireOperator {
  const { options } = operator;
  return {
    ...operator,
    options: isMember(options, builtinOptions) ? options : undefined,
    options2: isMember(options, builtinOptions2) ? options : undefined,
    customOptionsFormat: 0,
    largeCustomOptionsOffset: 0n,
    largeCustomOptionsSize: 0n,
  };
}

function isMember<M extends typeof builtinOptions | typeof builtinOptions2>(
  options: Operator['options'],
  members: M,
): options is Extract<Operator['options'], UnionMember<M>> {
  return options !== null && options.type in members;
}

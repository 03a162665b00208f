/** Between the Open Inference Protocol's gRPC messages and the neutral inference: raw contents are answered raw, typed ones typed. */
import { AtollError } from '@atoll/base/error';
import {
  InferTensorContents,
  type ModelInferRequest,
  type ModelInferResponse,
} from '@atoll/proto/inference/open_inference_grpc';
import type { InferAnswer, InferCall, InferOutput } from '../infer/run-infer.js';
import type { Elements, InferInput } from '../infer/tensors.js';
import { outputElements } from '../infer/tensors.js';
import { targetOf } from '../swap/target.js';

/** The list of a typed tensor that holds the elements of a datatype. */
const listOf: Readonly<Record<string, keyof InferTensorContents>> = {
  BOOL: 'boolContents',
  UINT8: 'uintContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
};

/** What a request asks; raw contents become views of the message's bytes. */
export function toInferCall(request: ModelInferRequest): InferCall {
  const { inputs, rawInputContents } = request;
  if (rawInputContents.length > 0 && rawInputContents.length !== inputs.length) {
    throw refuse(`there are ${rawInputContents.length} raw contents for ${inputs.length} inputs`);
  }
  return {
    model: request.modelName,
    target: targetOf(request.modelVersion),
    inputs: inputs.map((input, index): InferInput => {
      if (input.parameters['shared_memory_region'] !== undefined) {
        throw unimplemented(`input ${input.name} is in shared memory, which this node does not read: send its bytes`);
      }
      const tensor = { name: input.name, datatype: input.datatype, shape: input.shape.map(Number) };
      const raw = rawInputContents[index];
      if (raw === undefined) return { ...tensor, elements: elementsOf(input.name, input.datatype, input.contents) };
      if (input.contents !== undefined) throw refuse(`input ${input.name} has raw and typed contents`);
      return { ...tensor, bytes: raw };
    }),
    outputs: request.outputs.map(({ name, parameters }) => {
      if (parameters['shared_memory_region'] !== undefined) {
        throw unimplemented(`output ${name} is to go to shared memory, which this node does not write`);
      }
      return { name, classes: classesOf(name, parameters['classification']?.parameterChoice?.value) };
    }),
  };
}

/** The answer to a request. */
export function toInferResponse(request: ModelInferRequest, answer: InferAnswer): ModelInferResponse {
  const { served, timings, outputs } = answer;
  const raw = request.rawInputContents.length > 0;
  const text = (value: string) => ({ parameterChoice: { $case: 'stringParam' as const, value } });
  const double = (value: number) => ({ parameterChoice: { $case: 'doubleParam' as const, value } });
  return {
    modelName: served.pkg.model,
    modelVersion: String(served.pkg.version),
    id: request.id,
    parameters: {
      backend: text(answer.backend),
      device: text(answer.device),
      queue_ms: double(timings.queueMs),
      latency_ms: double(timings.latencyMs),
      infer_ms: double(timings.inferMs),
    },
    outputs: outputs.map((output) => ({
      name: output.name,
      datatype: output.datatype,
      shape: output.shape.map(BigInt),
      parameters: {},
      contents: raw ? undefined : contentsOf(output),
    })),
    rawOutputContents: raw
      ? outputs.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      : [],
  };
}

function elementsOf(name: string, datatype: string, contents: InferTensorContents | undefined): Elements {
  if (contents === undefined) throw refuse(`input ${name} has no contents`);
  const list = listOf[datatype];
  // Another datatype is no model's: the check against the model says so in better words than "no elements".
  return list === undefined ? [] : (contents[list] as Elements);
}

/** Triton's parameter `classification`: how many of the greatest elements are wanted; none or 0 = the tensor itself. */
function classesOf(output: string, value: unknown): number {
  const classes = value === undefined ? 0 : Number(value);
  if (Number.isSafeInteger(classes) && classes >= 0) return classes;
  throw refuse(`classification of output ${output} is not a whole number from 0`);
}

function contentsOf({ bytes, datatype, spec, texts }: InferOutput): InferTensorContents {
  if (texts !== undefined)
    return InferTensorContents.fromPartial({ bytesContents: texts.map((text) => Buffer.from(text)) });
  const list = listOf[datatype];
  if (list === undefined) throw refuse(`output ${spec.name} is ${datatype}, which exists raw only`);
  return { ...InferTensorContents.fromPartial({}), [list]: outputElements(bytes, spec) };
}

function unimplemented(reason: string): AtollError {
  return new AtollError('UNIMPLEMENTED', `cannot infer: ${reason}`);
}

function refuse(reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot infer: ${reason}`);
}

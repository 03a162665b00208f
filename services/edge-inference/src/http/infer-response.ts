/** The answer to an inference request: JSON, and behind it the bytes of the outputs that are wanted as binary data. */
import type { InferAnswer, InferOutput } from '../infer/run-infer.js';
import { outputElements } from '../infer/tensors.js';
import type { Answer } from './answer.js';
import type { InferRequest } from './infer-request.js';

/** See the head of the file; outputs are in the order of the request. */
export function toInferAnswer(request: InferRequest, answer: InferAnswer): Answer {
  const { served, timings } = answer;
  const binary: Uint8Array[] = [];
  const outputs = answer.outputs.map((output, index) => {
    const asBinary = request.outputs[index]?.binary ?? request.binaryByDefault;
    if (asBinary) binary.push(output.bytes);
    return outputText(output, asBinary);
  });
  const head = JSON.stringify({
    model_name: served.pkg.model,
    model_version: String(served.pkg.version),
    id: request.id,
    parameters: {
      backend: answer.backend,
      device: answer.device,
      queue_ms: timings.queueMs,
      latency_ms: timings.latencyMs,
      infer_ms: timings.inferMs,
    },
  });
  const json = Buffer.from(`${head.slice(0, -1)},"outputs":[${outputs.join()}]}`);
  if (binary.length === 0) return { status: 200, headers: { 'content-type': 'application/json' }, body: [json] };
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': json.byteLength,
    },
    body: [json, ...binary],
  };
}

function outputText(output: InferOutput, asBinary: boolean): string {
  const { name, datatype, shape, bytes, spec, texts } = output;
  const head = JSON.stringify({ name, datatype, shape }).slice(0, -1);
  return asBinary
    ? `${head},"parameters":{"binary_data_size":${bytes.byteLength}}}`
    : `${head},"data":${elementsText(texts ?? outputElements(bytes, spec))}}`;
}

/** Whole numbers of 64 bits are written out, which JSON allows and JSON.stringify does not do. */
function elementsText(elements: readonly (number | bigint | boolean | string)[]): string {
  return typeof elements[0] === 'bigint' ? `[${elements.join()}]` : JSON.stringify(elements);
}

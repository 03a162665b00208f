/*
 * ModelInferRequest without a copy of its tensors: the generated decoder copies every `bytes` field, which for an image is most
 * of the work. Field 7, raw_input_contents, is cut out of the message as views; everything else goes to the generated decoder.
 * The views keep the message's memory alive until the run is over.
 */
import { ModelInferRequest } from '@atoll/proto/inference/open_inference_grpc';
import { checkParts } from './count-parts.js';

const rawInputContents = 7;
const lengthDelimited = 2;

/** What ModelInferRequest.decode makes of the message; raw_input_contents are views of it. INVALID_ARGUMENT: checkParts. */
export function decodeInferRequest(message: Buffer): ModelInferRequest {
  checkParts(message);
  const raw: Buffer[] = [];
  const rest: Buffer[] = [];
  for (let start = 0; start < message.length;) {
    const tag = varintAt(message, start);
    const length = tag === undefined ? undefined : varintAt(message, tag.end);
    // Not a message of this kind, or one that is cut off: the generated decoder has the words, or the patience.
    if (tag === undefined || length === undefined || tag.value % 8 !== lengthDelimited)
      return ModelInferRequest.decode(message);
    const end = length.end + length.value;
    if (end > message.length) return ModelInferRequest.decode(message);
    if (tag.value >>> 3 === rawInputContents) raw.push(message.subarray(length.end, end));
    else rest.push(message.subarray(start, end));
    start = end;
  }
  if (raw.length === 0) return ModelInferRequest.decode(message);
  const request = ModelInferRequest.decode(Buffer.concat(rest));
  request.rawInputContents = raw;
  return request;
}

/** A varint of up to 4 bytes: a tag or a length within any message limit; undefined where there is none. */
function varintAt(message: Buffer, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = message[start + i];
    if (byte === undefined) return undefined;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  return undefined;
}

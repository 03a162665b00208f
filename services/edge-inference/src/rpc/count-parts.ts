/*
 * How many parts a ModelInferRequest has, before its decoder makes an object of each: a part takes two bytes on the wire and some
 * hundred in memory, so a message of 16 MiB could hold up everybody for seconds and take gigabytes. Only counts; what is not
 * well-formed is left to the decoder's words.
 * Source: open_inference_grpc.proto; Protocol Buffers, Encoding.
 */
import { AtollError } from '@atoll/base/error';

/** 256 tensors with their names, types, shapes, contents and parameters have less. */
const mostParts = 8_192;
/** Of 32 dimensions, ten bytes each. */
const mostShapeBytes = 320;

type Level = 'request' | 'input' | 'other';

/** INVALID_ARGUMENT when a request has more parts than any that makes sense. */
export function checkParts(message: Buffer): void {
  let left = mostParts;
  const part = (): void => {
    if (--left < 0) throw new AtollError('INVALID_ARGUMENT', `cannot infer: the request has over ${mostParts} parts`);
  };
  const walk = (start: number, end: number, level: Level): void => {
    let at = start;
    const varint = (): number => {
      let value = 0;
      for (let scale = 1; at < end; scale *= 128) {
        const byte = message[at++] ?? 0;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
      return Infinity;
    };
    while (at < end) {
      const tag = varint();
      const field = Math.floor(tag / 8);
      switch (tag % 8) {
        case 0:
          varint();
          if (level === 'input') part();
          break;
        case 1:
          at += 8;
          break;
        case 5:
          at += 4;
          break;
        case 2: {
          const bytes = varint();
          if (bytes > end - at) return;
          part();
          if (level === 'input' && field === 3 && bytes > mostShapeBytes)
            throw new AtollError('INVALID_ARGUMENT', 'cannot infer: the shape of an input has over 32 dimensions');
          if (level === 'request' && (field === 5 || field === 6))
            walk(at, at + bytes, field === 5 ? 'input' : 'other');
          if (level === 'input' && field === 5) walk(at, at + bytes, 'other');
          at += bytes;
          break;
        }
        default:
          return;
      }
    }
  };
  walk(0, message.length, 'request');
}

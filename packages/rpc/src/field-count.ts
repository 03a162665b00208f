/*
 * How many fields a message has at its top, before a decoder makes an object of each: a field takes two bytes on the wire and some
 * hundred in memory, so that a message of 16 MiB could hold up everybody for seconds. Only counts; what is not well-formed is left
 * to the decoder's words. Source: Protocol Buffers, Encoding.
 */
import { AtollError } from '@atoll/base/error';

/** More than any list that one call of Atoll carries. */
const mostFields = 65_536;

/** INVALID_ARGUMENT when a message has more fields than any that makes sense. */
export function checkFieldCount(message: Uint8Array): void {
  // A field is two bytes at least.
  if (message.length <= 2 * mostFields) return;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  for (let fields = 0; at < message.length; fields++) {
    if (fields >= mostFields)
      throw new AtollError('INVALID_ARGUMENT', `cannot read the message: it has over ${mostFields} fields`);
    switch (varint() % 8) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const bytes = varint();
        at += bytes;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        return;
    }
  }
}

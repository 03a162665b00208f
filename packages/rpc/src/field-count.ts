/*
 * How many fields a message has at its top, before a decoder makes an object of each: a field takes two bytes on the wire and some
 * hundred in memory, so that a message of 16 MiB could hold up everybody for seconds. Only counts; what is not well-formed is left
 * to the decoder's words. Source: Protocol Buffers, Encoding.
 */
import { AtollError } from '@atoll/base/error';
import { FieldScanner } from './field-scanner.js';

/** More than any list that one call of Atoll carries. */
const mostFields = 65_536;

/**
 * INVALID_ARGUMENT when a message has more fields than any that makes sense. Fields of the number `nested` are messages
 * themselves, and theirs are counted with them.
 */
export function checkFieldCount(message: Uint8Array, nested = 0): void {
  // A field is two bytes at least.
  if (message.length <= 2 * mostFields) return;
  let fields = 0;
  const count = (from: number, to: number, within: number): void => {
    const scanner = new FieldScanner(message, from, to);
    for (let step = scanner.next(); step !== 'end'; step = scanner.next()) {
      if (step === 'broken' || (step === 'early' && from === 0)) return;
      if (step === 'early' || step === 'group') throw refused('has a group, or ends before its end');
      if (++fields > mostFields) throw refused(`has over ${mostFields} fields`);
      if (step === 'cut' && to < message.length) throw refused('has a field that is longer than what holds it');
      if (within !== 0 && scanner.field === within && scanner.wireType === 2)
        count(scanner.start, Math.min(scanner.end, message.length), 0);
      if (step === 'cut') return;
    }
  };
  count(0, message.length, nested);
}

function refused(why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot read the message: it ${why}`);
}

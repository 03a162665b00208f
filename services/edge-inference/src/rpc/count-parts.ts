/*
 * How many parts a ModelInferRequest has, before its decoder makes an object of each: a part takes two bytes on the wire and some
 * hundred in memory, so a message of 16 MiB could hold up everybody for seconds and take gigabytes. Only counts; what is cut off
 * is left to the decoder's words, and what its decoder would take otherwise than it looks is refused.
 * Source: open_inference_grpc.proto; Protocol Buffers, Encoding.
 */
import { AtollError } from '@atoll/base/error';
import { FieldScanner } from '@atoll/rpc/field-scanner';

/** 256 tensors with their names, types, shapes, contents and parameters have less. */
const mostParts = 8_192;
/** Of 32 dimensions, ten bytes each. */
const mostShapeBytes = 320;
/** Elements of typed lists whose decoders take them one by one; those of 64 bits become big integers, at some times the price. */
const mostElements = { short: 2 ** 20, long: 2 ** 18 } as const;

type Level = 'request' | 'input' | 'output' | 'contents' | 'parameter' | 'value';

/** The fields of each message that are messages. */
const children: Readonly<Record<Level, Readonly<Record<number, Level>>>> = {
  request: { 4: 'parameter', 5: 'input', 6: 'output' },
  input: { 4: 'parameter', 5: 'contents' },
  output: { 2: 'parameter' },
  contents: {},
  parameter: { 2: 'value' },
  value: {},
};
/** The lists of contents whose elements are varints. */
const varintLists: Readonly<Record<number, keyof typeof mostElements>> = {
  1: 'short',
  2: 'short',
  3: 'long',
  4: 'short',
  5: 'long',
};

/** INVALID_ARGUMENT when a request has more parts than any that makes sense. */
export function checkParts(message: Buffer): void {
  let parts = 0;
  const elements = { short: 0, long: 0 };
  const part = (): void => {
    if (++parts > mostParts) throw refused(`the request has over ${mostParts} parts`);
  };
  const element = (kind: keyof typeof mostElements): void => {
    if (++elements[kind] > mostElements[kind])
      throw refused(`a typed list has over ${mostElements[kind]} elements: send them as raw_input_contents`);
  };
  const walk = (from: number, to: number, level: Level): void => {
    const scanner = new FieldScanner(message, from, to);
    for (let step = scanner.next(); step !== 'end'; step = scanner.next()) {
      const { field, wireType, start } = scanner;
      if (step === 'broken' || (step === 'early' && level === 'request')) return;
      if (step === 'early' || step === 'group' || (step === 'cut' && to < message.length))
        throw refused('the request is not well-formed');
      const list = level === 'contents' ? varintLists[field] : undefined;
      if (level !== 'contents' || wireType === 2) part();
      else if (wireType === 0) element(list ?? 'long');
      if (wireType === 2) {
        const end = Math.min(scanner.end, message.length);
        if (level === 'input' && field === 3 && end - start > mostShapeBytes)
          throw refused('the shape of an input has over 32 dimensions');
        const child = children[level][field];
        if (child !== undefined) walk(start, end, child);
        if (list !== undefined) for (let at = start; at < end; at++) if ((message[at] ?? 0) < 0x80) element(list);
      }
      if (step === 'cut') return;
    }
  };
  walk(0, message.length, 'request');
}

function refused(why: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot infer: ${why}`);
}

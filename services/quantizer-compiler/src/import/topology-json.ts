import { AtollError, reasonOf } from '@atoll/base/error';

/** More than any topology in use: the largest published Keras models describe themselves in 2 MB. */
const maxJsonBytes = 64 * 1024 * 1024;

/** Lists in lists: far more than any model in models, far less than what makes a walk run out of stack. */
const maxNesting = 256;

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a document of a model file; `what` names it in the error ("its topology"). */
export function parseJson(source: string | Uint8Array, what: string, file: string): unknown {
  if (source.length > maxJsonBytes) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${what} is larger than ${maxJsonBytes} bytes`);
  }
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  if (nesting(text) > maxNesting) {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: ${what} nests deeper than ${maxNesting} levels`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AtollError('DATA_LOSS', `cannot import ${file}: ${what} is not JSON: ${shortened(reasonOf(error))}`, {
      cause: error,
    });
  }
}

/** Depth of the deepest list or object in a document. */
function nesting(text: string): number {
  let [depth, most, quotes] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quotes) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quotes = false;
    } else if (code === 0x22) quotes = true;
    else if (code === 0x5b || code === 0x7b) most = Math.max(most, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return most;
}

/** The value as an object, or undefined when it is something else. */
export function record(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value as a list, or undefined when it is something else. */
export function list(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as unknown[]) : undefined;
}

/** A value from a file as it may stand in an error: one line of bounded length. */
export function quoted(value: unknown): string {
  return shortened(JSON.stringify(value) ?? 'nothing');
}

function shortened(text: string): string {
  const line = text.replaceAll(/[\s\p{C}]+/gu, ' ');
  return line.length <= 120 ? line : `${line.slice(0, 117)}...`;
}

/** Whole numbers from 0 that a file gives as a shape, or undefined. */
export function shapeOf(value: unknown): readonly number[] | undefined {
  const sizes = list(value);
  const good = sizes?.every((size) => typeof size === 'number' && Number.isInteger(size) && size >= 0) === true;
  return good && sizes.length <= 8 ? (sizes as readonly number[]) : undefined;
}

import { AtollError } from '@atoll/base/error';
import { maxPayloadBytes } from './names.js';

/** Refuses (INVALID_ARGUMENT) to send a state or report that its reader would drop. */
export function checkPayload(what: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length >= 1 && bytes.length <= maxPayloadBytes) return bytes;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot send ${what}: it has ${bytes.length} bytes, 1 to ${maxPayloadBytes} are allowed`,
  );
}

/** True for what is worth reading: an empty message tells of a deleted key, a longer one is nobody's state. */
export function isReadable(bytes: Uint8Array): boolean {
  return bytes.length >= 1 && bytes.length <= maxPayloadBytes;
}

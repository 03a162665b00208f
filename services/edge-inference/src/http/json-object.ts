import { AtollError, reasonOf } from '@atoll/base/error';

/** The JSON object that these bytes are; INVALID_ARGUMENT when they are none. */
export function readJsonObject(bytes: Buffer, length = bytes.byteLength): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8', 0, length));
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot read the body: it is no JSON: ${reasonOf(error)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AtollError('INVALID_ARGUMENT', 'cannot read the body: it is not a JSON object');
}

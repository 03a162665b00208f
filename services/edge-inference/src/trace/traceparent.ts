/** Where a caller's trace stands, of the W3C recommendation Trace Context, header `traceparent`. */
export interface ParentSpan {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** The flags as a number; bit 0 = the caller records. */
  readonly flags: number;
}

/** Reads the header; undefined for whatever does not keep to the recommendation, which has receivers begin a new trace then. */
export function parseTraceparent(text: string | undefined): ParentSpan | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = match;
  // A version to come may have more fields; this one has not, and ff is none.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

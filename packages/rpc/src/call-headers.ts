/** What the headers of a call say (gRPC over HTTP/2, PROTOCOL-HTTP2.md): how long its caller waits, and how a status message is written. */
import type { IncomingHttpHeaders } from 'node:http2';
import type { CallMetadata } from './handlers.js';
import { malformed } from './status.js';

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout`, Infinity without one; INTERNAL for one that is none. */
export function timeoutOf(header: string | undefined): number {
  if (header === undefined) return Infinity;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (digits === undefined || unit === undefined)
    throw malformed(`cannot read the deadline ${JSON.stringify(header.slice(0, 40))}`);
  return Number(digits) * (unitMs[unit] ?? 0);
}

/** Clients take 8 KiB of headers in all. */
const maxEncodedLength = 4_096;

/**
 * The text of a `grpc-message`: UTF-8, of which everything but printable ASCII and the percent sign itself is %XX; cut at a
 * character where it would be too long for a header.
 */
export function percentEncoded(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text.slice(0, maxEncodedLength);
  let encoded = '';
  for (const character of text) {
    const next = /^[ -$&-~]$/.test(character) ? character : percents(character);
    if (encoded.length + next.length > maxEncodedLength) break;
    encoded += next;
  }
  return encoded;
}

function percents(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** The headers as handlers see them. */
export function metadataOf(headers: IncomingHttpHeaders): CallMetadata {
  return {
    get(name) {
      const value = headers[name.toLowerCase()];
      if (value === undefined) return [];
      return typeof value === 'string' ? [value] : value;
    },
  };
}

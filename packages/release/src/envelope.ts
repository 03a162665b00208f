/**
 * Signed envelopes after DSSE (github.com/secure-systems-lab/dsse, protocol.md): a signature covers the payload's type
 * and its exact bytes, PAE = "DSSEv1" SP len(type) SP type SP len(payload) SP payload. Bytes are verified as they came,
 * before anything of them is parsed; nothing is ever serialized again to be checked.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { Envelope } from '@atoll/proto/atoll/v1/release';
import { AtollError } from '@atoll/base/error';
import { keyId, type PublicKeySet } from './keys.js';

/** Largest payload of each type in bytes; more is refused unread. */
export const payloadTypes = {
  release: { name: 'application/vnd.atoll.release.v1+protobuf', maxBytes: 1024 * 1024 },
  desired: { name: 'application/vnd.atoll.desired.v1+protobuf', maxBytes: 7 * 1024 },
  status: { name: 'application/vnd.atoll.status.v1+protobuf', maxBytes: 7 * 1024 },
} as const;

/** One of the kinds of payload that Atoll signs. */
export type PayloadType = (typeof payloadTypes)[keyof typeof payloadTypes];

/** Signers that one envelope may carry. */
const maxSignatures = 8;

/** What an envelope adds to its payload at most, in bytes. */
const overheadBytes = 1024;

/** Signs a payload with one key. */
export function sealEnvelope(payloadType: PayloadType, payload: Uint8Array, privateKey: KeyObject): Envelope {
  if (payload.length > payloadType.maxBytes) throw tooLarge('sign', payloadType, payload.length);
  return {
    payloadType: payloadType.name,
    payload: Buffer.from(payload),
    signatures: [
      {
        keyId: keyId(createPublicKey(privateKey)),
        signature: sign(null, preAuthEncoding(payloadType.name, payload), privateKey),
      },
    ],
  };
}

/**
 * The payload's bytes once one signature of a trusted key is found right; signatures of other keys are ignored.
 * INVALID_ARGUMENT for another type or size, PERMISSION_DENIED without a right signature.
 */
export function openEnvelope(envelope: Envelope, payloadType: PayloadType, trusted: PublicKeySet): Uint8Array {
  if (envelope.payloadType !== payloadType.name) {
    const given = JSON.stringify(envelope.payloadType.slice(0, 100));
    throw new AtollError('INVALID_ARGUMENT', `cannot open an envelope of type ${given}: wanted is ${payloadType.name}`);
  }
  if (envelope.payload.length > payloadType.maxBytes) throw tooLarge('open', payloadType, envelope.payload.length);
  if (envelope.signatures.length > maxSignatures) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot open an envelope with ${envelope.signatures.length} signatures: ${maxSignatures} at most`,
    );
  }
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  for (const { keyId: signer, signature } of envelope.signatures) {
    const key = trusted.get(signer);
    if (key !== undefined && signature.length === 64 && verify(null, signed, key, signature)) return envelope.payload;
  }
  throw new AtollError(
    'PERMISSION_DENIED',
    `cannot trust an envelope of type ${payloadType.name}: ${why(envelope, trusted)}`,
  );
}

/** The bytes of an envelope, as they go over the bus. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return Envelope.encode(envelope).finish();
}

/** An envelope from bytes that came from outside: size-checked, not yet verified. */
export function decodeEnvelope(bytes: Uint8Array, payloadType: PayloadType): Envelope {
  if (bytes.length > payloadType.maxBytes + overheadBytes) throw tooLarge('open', payloadType, bytes.length);
  return parsePayload('an envelope', () => Envelope.decode(bytes));
}

/** Runs a protobuf decoder; bytes that it cannot read are INVALID_ARGUMENT. */
export function parsePayload<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${what}: the bytes are not the message they claim to be`, {
      cause: error,
    });
  }
}

function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}

function tooLarge(verb: string, { name, maxBytes }: PayloadType, sizeBytes: number): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot ${verb} ${sizeBytes} bytes of ${name}: ${maxBytes} are allowed`);
}

function why({ signatures }: Envelope, trusted: PublicKeySet): string {
  if (signatures.length === 0) return 'it has no signature';
  const ids = signatures.map(({ keyId: signer }) => (/^[0-9a-f]{64}$/.test(signer) ? signer : '(no key id)'));
  if (!ids.some((id) => trusted.has(id))) {
    const known = [...trusted.keys()].slice(0, maxSignatures).join(', ');
    return `it is signed by key ${ids.join(', ')}, trusted are ${known === '' ? 'none' : known}`;
  }
  return `the signature of key ${ids.filter((id) => trusted.has(id)).join(', ')} does not match its bytes`;
}

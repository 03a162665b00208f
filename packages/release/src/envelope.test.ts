import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { test } from 'node:test';
import type { Envelope } from '@atoll/proto/atoll/v1/release';
import { decodeEnvelope, encodeEnvelope, openEnvelope, payloadTypes, sealEnvelope } from './envelope.js';
import { generateKeyPair, keyId, publicKeySet } from './keys.js';

const { privateKey, publicKey } = generateKeyPair();
const other = generateKeyPair();
const trusted = publicKeySet([publicKey]);
const payload = Buffer.from('exact bytes');
const sealed = sealEnvelope(payloadTypes.desired, payload, privateKey);
const [signature = { keyId: '', signature: Buffer.alloc(0) }] = sealed.signatures;

test('openEnvelope gives the bytes that sealEnvelope signed, also after the wire', () => {
  const received = decodeEnvelope(encodeEnvelope(sealed), payloadTypes.desired);
  assert.deepEqual(Buffer.from(openEnvelope(received, payloadTypes.desired, trusted)), payload);
});

test('sealEnvelope signs the pre-authentication encoding of DSSE', () => {
  const encoding = `DSSEv1 ${payloadTypes.desired.name.length} ${payloadTypes.desired.name} 11 exact bytes`;
  assert.deepEqual(signature.signature, sign(null, Buffer.from(encoding), privateKey));
});

test('openEnvelope takes one trusted signature beside unknown ones', () => {
  const [foreign] = sealEnvelope(payloadTypes.desired, payload, other.privateKey).signatures;
  assert.ok(foreign);
  openEnvelope({ ...sealed, signatures: [foreign, signature] }, payloadTypes.desired, trusted);
});

const flipped = Buffer.from(payload);
flipped[0] = (flipped[0] ?? 0) ^ 1;
const forged = sealEnvelope(payloadTypes.desired, payload, other.privateKey);
const refused: readonly (readonly [what: string, envelope: Envelope, code: string, message: RegExp])[] = [
  ['a payload with one bit changed', { ...sealed, payload: flipped }, 'PERMISSION_DENIED', /does not match its bytes/],
  [
    'a longer payload',
    { ...sealed, payload: Buffer.concat([payload, Buffer.of(0)]) },
    'PERMISSION_DENIED',
    /does not match/,
  ],
  [
    "another's key",
    forged,
    'PERMISSION_DENIED',
    new RegExp(`${keyId(other.publicKey)}, trusted are ${keyId(publicKey)}`),
  ],
  [
    "another's signature under a trusted key id",
    { ...forged, signatures: forged.signatures.map((one) => ({ ...one, keyId: keyId(publicKey) })) },
    'PERMISSION_DENIED',
    new RegExp(`signature of key ${keyId(publicKey)} does not match`),
  ],
  ['no signature', { ...sealed, signatures: [] }, 'PERMISSION_DENIED', /no signature/],
  [
    'a short signature',
    { ...sealed, signatures: [{ ...signature, signature: Buffer.alloc(3) }] },
    'PERMISSION_DENIED',
    /does not match/,
  ],
  ['another type', { ...sealed, payloadType: payloadTypes.status.name }, 'INVALID_ARGUMENT', /type .*status.*wanted/],
  ['too large a payload', { ...sealed, payload: Buffer.alloc(7 * 1024 + 1) }, 'INVALID_ARGUMENT', /7168 are allowed/],
  [
    'nine signatures',
    { ...sealed, signatures: Array.from({ length: 9 }, () => signature) },
    'INVALID_ARGUMENT',
    /9 sig/,
  ],
];
for (const [what, envelope, code, message] of refused) {
  test(`openEnvelope refuses ${what}`, () => {
    assert.throws(() => openEnvelope(envelope, payloadTypes.desired, trusted), { code, message });
  });
}

test('openEnvelope: a signature over one type is none over another, whatever the envelope says', () => {
  const asStatus = { ...sealed, payloadType: payloadTypes.status.name };
  assert.throws(() => openEnvelope(asStatus, payloadTypes.status, trusted), { code: 'PERMISSION_DENIED' });
});

test('decodeEnvelope refuses bytes that are none, and too many of them', () => {
  assert.throws(() => decodeEnvelope(Buffer.from([0x0a, 0xff]), payloadTypes.desired), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => decodeEnvelope(Buffer.alloc(20_000), payloadTypes.desired), { code: 'INVALID_ARGUMENT' });
});

test('a full desired state or status report with its envelope fits into one message of 8 KiB', () => {
  for (const type of [payloadTypes.desired, payloadTypes.status]) {
    assert.ok(encodeEnvelope(sealEnvelope(type, Buffer.alloc(type.maxBytes), privateKey)).length <= 8 * 1024);
  }
});

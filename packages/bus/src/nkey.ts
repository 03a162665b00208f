/**
 * NATS' text form of ed25519 keys: base32 (RFC 4648, no padding) of prefix, 32 key bytes, and a CRC-16/XMODEM, low
 * byte first. A public user key begins with U (prefix 20 << 3), its seed with SU (two prefix bytes). Written here because
 * the client library keeps its codec private and signs in JavaScript, at 9 ms a login.
 */
import { AtollError } from '@atoll/base/error';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const seedPrefix = 18 << 3;
const userPrefix = 20 << 3;
const seedHead = [seedPrefix | (userPrefix >> 5), (userPrefix & 31) << 3];

/** The text of a public user key, 56 characters beginning with U, from its 32 raw bytes. */
export function encodeUserKey(publicKey: Uint8Array): string {
  return encode(Uint8Array.from([userPrefix, ...publicKey]));
}

/** The text of a user's seed, 58 characters beginning with SU, from its 32 raw bytes. */
export function encodeUserSeed(seed: Uint8Array): string {
  return encode(Uint8Array.from([...seedHead, ...seed]));
}

/** The 32 raw bytes of a user's seed; INVALID_ARGUMENT when the text is not one. The text itself is never repeated. */
export function decodeUserSeed(text: string): Uint8Array {
  const bytes = decode(text);
  if (bytes?.length !== 34 || bytes[0] !== seedHead[0] || bytes[1] !== seedHead[1]) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot read a NATS user seed: it is not a seed that begins with SU');
  }
  return bytes.subarray(2);
}

/** Refuses (INVALID_ARGUMENT) what is not a public user key with a right checksum. */
export function parseUserKey(text: string): string {
  const bytes = decode(text);
  if (bytes?.length !== 33 || bytes[0] !== userPrefix) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use NATS user key ${JSON.stringify(text.slice(0, 80))}: it is not a public key that begins with U`,
    );
  }
  return text;
}

function encode(payload: Uint8Array): string {
  const check = crc16(payload);
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of [...payload, check & 255, check >> 8]) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((held >> (bits - 5)) & 31);
    held &= 31;
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31);
}

function decode(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  if (text.length > 64) return undefined;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 255);
  }
  const payload = Uint8Array.from(bytes.slice(0, -2));
  // Encoding again covers the checksum, the length and the unused bits of the last character at once.
  return encode(payload) === text ? payload : undefined;
}

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

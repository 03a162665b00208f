/** The key with which a controller or node logs in to NATS: one seed a file, readable by its owner alone. */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AtollError, errnoOf, isAtollError, reasonOf } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';
import { decodeUserSeed, encodeUserKey, encodeUserSeed } from './nkey.js';

/** A login key. */
export interface Credentials {
  /** The public half, as the server's configuration names it. */
  readonly publicNkey: string;
  /** ed25519 signature of the server's nonce, 64 bytes. */
  sign(nonce: string): Buffer;
}

// An ed25519 private key in PKCS #8 is this head and the 32 bytes of the seed (RFC 8410, section 7).
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const maxSeedFileBytes = 1024;

/** Credentials from the text of a seed; INVALID_ARGUMENT when it is not one. */
export function credentialsOf(seedText: string): Credentials {
  const der = Buffer.concat([pkcs8Head, decodeUserSeed(seedText.trim())]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { publicNkey: encodeUserKey(rawPublic(key)), sign: (nonce) => sign(null, Buffer.from(nonce), key) };
}

/** Makes a new login key, writes its seed (mode 0600, whole or not at all), and gives the credentials. */
export async function createCredentials(path: string): Promise<Credentials> {
  const seedText = encodeUserSeed(randomBytes(32));
  await writeFileAtomic(path, `${seedText}\n`, 0o600);
  return credentialsOf(seedText);
}

/** Reads credentials from a seed file. */
export async function readCredentials(path: string): Promise<Credentials> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxSeedFileBytes + 1), 0);
      if (bytesRead > maxSeedFileBytes)
        throw new AtollError('INVALID_ARGUMENT', `it is over ${maxSeedFileBytes} bytes`);
      return credentialsOf(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = errnoOf(error) === 'ENOENT' ? 'NOT_FOUND' : isAtollError(error) ? error.code : 'FAILED_PRECONDITION';
    throw new AtollError(code, `cannot read NATS credentials ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function rawPublic(key: KeyObject): Uint8Array {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}

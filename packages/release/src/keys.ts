/** The ed25519 keys of builders, the director and nodes: made, named, written and read, by node:crypto alone. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AtollError, errnoOf, isAtollError, reasonOf } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';

/** Public keys by their key id: whose signatures count. */
export type PublicKeySet = ReadonlyMap<string, KeyObject>;

/** Both halves of a signing key. */
export interface SigningKeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const maxKeyFileBytes = 1024 * 1024;

/** Makes a new ed25519 key pair. */
export function generateKeyPair(): SigningKeyPair {
  return generateKeyPairSync('ed25519');
}

/** Name of a public key: SHA-256 of its 32 raw bytes, lower-case hexadecimal. */
export function keyId(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: 'jwk' });
  return createHash('sha256')
    .update(Buffer.from(x ?? '', 'base64url'))
    .digest('hex');
}

/** The set of some public keys. */
export function publicKeySet(keys: Iterable<KeyObject>): PublicKeySet {
  return new Map([...keys].map((key) => [keyId(key), key]));
}

/** The public half of a private key. */
export function publicKeyOf(privateKey: KeyObject): KeyObject {
  return createPublicKey(privateKey);
}

/** A private key as PKCS #8 PEM. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** A public key as SPKI PEM. */
export function publicKeyPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

/** An ed25519 private key from PKCS #8 PEM; INVALID_ARGUMENT when the text is none. */
export function parsePrivateKey(pem: string): KeyObject {
  return ed25519('private key', () => createPrivateKey(pem));
}

/** An ed25519 public key from SPKI PEM; INVALID_ARGUMENT when the text is none. */
export function parsePublicKey(pem: string): KeyObject {
  // createPublicKey would also take a private key's PEM: a trust file that holds a secret is a mistake worth an error.
  return ed25519('public key', () => {
    if (!pem.includes('-----BEGIN PUBLIC KEY-----')) throw new AtollError('INVALID_ARGUMENT', 'it is not SPKI PEM');
    return createPublicKey(pem);
  });
}

/** Public keys from a bundle of PEM blocks, or from JSON: an array of PEM texts, alone or under "keys". At least one. */
export function parsePublicKeys(text: string): PublicKeySet {
  const pems = /^\s*[[{]/.test(text) ? pemsOfJson(text) : (text.match(/-----BEGIN[^]+?-----END [A-Z ]+-----/g) ?? []);
  if (pems.length === 0) throw new AtollError('INVALID_ARGUMENT', 'cannot use the trusted keys: there is none');
  return publicKeySet(pems.map(parsePublicKey));
}

/** Reads a private key file. */
export async function readPrivateKey(path: string): Promise<KeyObject> {
  return readKeyFile('private key', path, parsePrivateKey);
}

/** Reads a trust file: see parsePublicKeys. */
export async function readPublicKeys(path: string): Promise<PublicKeySet> {
  return readKeyFile('trusted keys', path, parsePublicKeys);
}

/** Writes a private key file that only its owner may read, whole or not at all. */
export async function writePrivateKey(path: string, key: KeyObject): Promise<void> {
  await writeFileAtomic(path, privateKeyPem(key), 0o600);
}

/** Writes a trust file of PEM blocks, whole or not at all. */
export async function writePublicKeys(path: string, keys: Iterable<KeyObject>): Promise<void> {
  await writeFileAtomic(path, [...keys].map(publicKeyPem).join(''));
}

function ed25519(what: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot use the ${what}: ${reasonOf(error)}`, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use the ${what}: it is of type ${key.asymmetricKeyType}, not ed25519`,
    );
  }
  return key;
}

function pemsOfJson(text: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot use the trusted keys: ${reasonOf(error)}`, { cause: error });
  }
  const list = !Array.isArray(json) && typeof json === 'object' && json !== null && 'keys' in json ? json.keys : json;
  if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
    throw new AtollError('INVALID_ARGUMENT', 'cannot use the trusted keys: the JSON is not an array of PEM texts');
  }
  return list;
}

async function readKeyFile<T>(what: string, path: string, parse: (text: string) => T): Promise<T> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxKeyFileBytes) throw new AtollError('INVALID_ARGUMENT', `it is over ${maxKeyFileBytes} bytes`);
      return parse(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = errnoOf(error) === 'ENOENT' ? 'NOT_FOUND' : isAtollError(error) ? error.code : 'FAILED_PRECONDITION';
    const reason = errnoOf(error) === 'ENOENT' ? 'there is no such file' : reasonOf(error);
    throw new AtollError(code, `cannot read ${what} ${path}: ${reason}`, { cause: error });
  }
}

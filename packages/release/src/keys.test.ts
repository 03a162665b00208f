import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  generateKeyPair,
  keyId,
  parsePrivateKey,
  parsePublicKey,
  parsePublicKeys,
  privateKeyPem,
  publicKeyPem,
  readPrivateKey,
  readPublicKeys,
  writePrivateKey,
  writePublicKeys,
} from './keys.js';

test('keyId of the key of RFC 8032, test 1, is the SHA-256 of its 32 bytes', () => {
  const raw = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  assert.equal(keyId(parsePublicKey(pem)), '21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9');
});

test('writePrivateKey and readPrivateKey: the same key, and nobody else may read the file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const { privateKey } = generateKeyPair();
  const path = join(folder, 'build.pem');
  await writePrivateKey(path, privateKey);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(privateKeyPem(await readPrivateKey(path)), privateKeyPem(privateKey));
});

test('readPublicKeys: PEM bundle, JSON array and JSON object give the same set', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const keys = [generateKeyPair().publicKey, generateKeyPair().publicKey];
  const pems = keys.map(publicKeyPem);
  await writePublicKeys(join(folder, 'a'), keys);
  await writeFile(join(folder, 'b'), JSON.stringify(pems));
  await writeFile(join(folder, 'c'), JSON.stringify({ keys: pems }));
  for (const name of ['a', 'b', 'c']) {
    assert.deepEqual([...(await readPublicKeys(join(folder, name))).keys()], keys.map(keyId), name);
  }
});

test('readPrivateKey of a file that is not there is NOT_FOUND and names it', async () => {
  await assert.rejects(readPrivateKey('/nowhere/build.pem'), {
    code: 'NOT_FOUND',
    message: 'cannot read private key /nowhere/build.pem: there is no such file',
  });
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const refused: readonly (readonly [what: string, text: string, parse: (text: string) => unknown, fault: RegExp])[] = [
  ['no key at all', 'hello', parsePublicKeys, /there is none/],
  ['an empty list', '[]', parsePublicKeys, /there is none/],
  ['JSON of something else', '{"keys":[1]}', parsePublicKeys, /not an array of PEM/],
  ['JSON cut off', '["', parsePublicKeys, /cannot use the trusted keys/],
  ['a private key among trusted ones', privateKeyPem(generateKeyPair().privateKey), parsePublicKeys, /not SPKI/],
  ['an RSA public key', publicKeyPem(rsa.publicKey), parsePublicKey, /type rsa/],
  ['an RSA private key', privateKeyPem(rsa.privateKey), parsePrivateKey, /type rsa/],
];
for (const [what, text, parse, fault] of refused) {
  test(`${parse.name} refuses ${what}`, () =>
    assert.throws(() => parse(text), { code: 'INVALID_ARGUMENT', message: fault }));
}

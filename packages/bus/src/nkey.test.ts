import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { createCredentials, credentialsOf, readCredentials } from './credentials.js';
import { decodeUserSeed, encodeUserSeed, parseUserKey } from './nkey.js';

test("a seed written here is the peer library's, with the same public key and a signature that it verifies", () => {
  for (let round = 0; round < 5; round++) {
    const text = encodeUserSeed(randomBytes(32));
    const ours = credentialsOf(text);
    const theirs = fromSeed(Buffer.from(text));
    assert.equal(ours.publicNkey, theirs.getPublicKey(), text);
    assert.ok(fromPublic(ours.publicNkey).verify(Buffer.from('nonce'), ours.sign('nonce')), text);
    const made = Buffer.from(createUser().getSeed()).toString();
    assert.equal(encodeUserSeed(decodeUserSeed(made)), made);
  }
});

test('decodeUserSeed and parseUserKey refuse wrong prefix, checksum, alphabet and length, and never repeat a seed', () => {
  const text = encodeUserSeed(Buffer.alloc(32, 7));
  const key = credentialsOf(text).publicNkey;
  const wrong = [
    `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`,
    text.toLowerCase(),
    text.slice(0, 40),
    key,
    '',
    'S',
  ];
  for (const seed of wrong) {
    assert.throws(
      () => decodeUserSeed(seed),
      (error: Error) => seed.length < 2 || !error.message.includes(seed),
      seed,
    );
  }
  for (const name of [text, `${key}A`, `${key.slice(0, 20)}1${key.slice(21)}`, '']) {
    assert.throws(() => parseUserKey(name), /begins with U/, name);
  }
  assert.equal(parseUserKey(key), key);
});

test('createCredentials keeps the seed to its owner; readCredentials gives the same key and names the file it cannot read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-nkey-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'node.seed');
  const made = await createCredentials(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await readCredentials(path)).publicNkey, made.publicNkey);
  await assert.rejects(readCredentials(join(folder, 'none')), { code: 'NOT_FOUND' });
  await writeFile(path, 'x'.repeat(5_000));
  await assert.rejects(readCredentials(path), /cannot read NATS credentials .*node.seed: it is over/);
});

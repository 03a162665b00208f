import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readCredentials } from '@atoll/bus/credentials';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { keyId, parsePublicKey, publicKeyOf, readPrivateKey, readPublicKeys } from '@atoll/release/keys';
import { repositoryRoot } from '../support/repository.js';

const run = promisify(execFile);
const program = join(repositoryRoot, 'deploy/dist/keys/main.js');
const natsServer = await findNatsServer(process.env);

describe('deploy/dist/keys/main.js', () => {
  let work = '';
  let keys = '';
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'atoll-keys-'));
    keys = join(work, 'keys');
    await run(process.execPath, [program, keys, 'node-1', 'node-2'], { timeout: 20_000 });
  });
  after(() => rm(work, { recursive: true, force: true }));

  test('writes pairs that belong together', async () => {
    for (const name of ['build', 'director']) {
      const id = keyId(publicKeyOf(await readPrivateKey(join(keys, `${name}.pem`))));
      assert.deepEqual([...(await readPublicKeys(join(keys, `${name}.pub.pem`))).keys()], [id], name);
    }
  });

  test('enrols every node with the public half of its key', async () => {
    const enrolled = JSON.parse(await readFile(join(keys, 'nodes.json'), 'utf8')) as {
      id: string;
      publicKey: string;
    }[];
    assert.deepEqual(
      enrolled.map(({ id }) => id),
      ['node-1', 'node-2'],
    );
    for (const { id, publicKey } of enrolled) {
      const own = publicKeyOf(await readPrivateKey(join(keys, 'nodes', id, 'node.pem')));
      assert.equal(keyId(parsePublicKey(publicKey)), keyId(own), id);
    }
  });

  test('names the logins of controller and nodes in a configuration that nats-server takes', async (t) => {
    const config = await readFile(join(keys, 'nats.conf'), 'utf8');
    for (const name of ['controller.seed', 'nodes/node-1/nats.seed', 'nodes/node-2/nats.seed']) {
      assert.ok(config.includes((await readCredentials(join(keys, name))).publicNkey), name);
    }
    if (natsServer === undefined) return t.skip(natsServerMissing);
    const { stderr } = await run(natsServer, ['-t', '-c', join(keys, 'nats.conf')], { timeout: 20_000 });
    assert.match(stderr, /is valid/);
  });

  test('leaves every private half to its owner alone', async () => {
    const files = await readdir(keys, { recursive: true });
    const secret = files.filter((name) => /\.seed$|(?<!\.pub)\.pem$/.test(name));
    assert.equal(secret.length, 7);
    for (const name of secret) assert.equal((await stat(join(keys, name))).mode & 0o777, 0o600, name);
  });

  test('never writes over keys, and refuses an id that cannot be a part of a subject', async () => {
    const again = run(process.execPath, [program, keys, 'node-1'], { timeout: 20_000 });
    await assert.rejects(again, { code: 1, stderr: /it is there already\n$/ });
    const wrong = run(process.execPath, [program, join(work, 'other'), 'Node.1'], { timeout: 20_000 });
    await assert.rejects(wrong, { code: 1, stderr: /^cannot use node id "Node\.1": .*\n$/ });
    assert.deepEqual(await readdir(work), ['keys']);
  });
});

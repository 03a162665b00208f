/**
 * The keys of a new fleet: build and director key, the controller's and each node's login to NATS, each node's signing
 * key, and what names the public halves: the hub's configuration and the controller's list of nodes. Every private half is a file that its owner alone may read.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtollError, errnoOf } from '@atoll/base/error';
import { writeFileAtomic } from '@atoll/base/files';
import { createCredentials } from '@atoll/bus/credentials';
import { parseNodeId } from '@atoll/bus/names';
import { renderServerConfig } from '@atoll/bus/server-config';
import { generateKeyPair, publicKeyPem, writePrivateKey, writePublicKeys } from '@atoll/release/keys';

/** Writes them into `folder`, which must not exist: keys in use are never written over. */
export async function makeKeys(folder: string, nodeIds: readonly string[]): Promise<void> {
  const ids = nodeIds.map(parseNodeId);
  await makeNew(folder);
  for (const role of ['build', 'director']) {
    const pair = generateKeyPair();
    await writePrivateKey(join(folder, `${role}.pem`), pair.privateKey);
    await writePublicKeys(join(folder, `${role}.pub.pem`), [pair.publicKey]);
  }
  const controller = await createCredentials(join(folder, 'controller.seed'));
  const nodes = [];
  const enrolled = [];
  for (const id of ids) {
    const own = join(folder, 'nodes', id);
    await mkdir(own, { recursive: true });
    const pair = generateKeyPair();
    await writePrivateKey(join(own, 'node.pem'), pair.privateKey);
    enrolled.push({ id, publicKey: publicKeyPem(pair.publicKey), labels: {} });
    nodes.push({ id, publicNkey: (await createCredentials(join(own, 'nats.seed'))).publicNkey });
  }
  await writeFileAtomic(join(folder, 'nodes.json'), `${JSON.stringify(enrolled, undefined, 2)}\n`);
  const config = renderServerConfig({
    listen: '0.0.0.0:4222',
    monitorListen: '0.0.0.0:8222',
    storeDir: '/data',
    controllerPublicNkey: controller.publicNkey,
    nodes,
  });
  await writeFileAtomic(join(folder, 'nats.conf'), config);
}

async function makeNew(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const reason = errnoOf(error) === 'EEXIST' ? 'it is there already' : errnoOf(error);
    throw new AtollError('FAILED_PRECONDITION', `cannot make keys in ${folder}: ${reason ?? 'unknown'}`, {
      cause: error,
    });
  }
}

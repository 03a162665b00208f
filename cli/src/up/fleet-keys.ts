/** The keys of a fleet on this machine: made on the first start, kept under keys/, readable by this user alone. */
import type { KeyObject } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isAtollError } from '@atoll/base/error';
import { type Credentials, createCredentials, readCredentials } from '@atoll/bus/credentials';
import { generateKeyPair, publicKeyOf, readPrivateKey, writePrivateKey, writePublicKeys } from '@atoll/release/keys';

/** Where a node's keys are, and its public halves. */
export interface NodeKeys {
  readonly id: string;
  readonly keyPath: string;
  readonly publicKeyPath: string;
  readonly credentialsPath: string;
  readonly publicNkey: string;
}

/** Where the fleet's keys are. */
export interface FleetKeys {
  readonly buildKeyPath: string;
  readonly buildPublicPath: string;
  readonly directorKeyPath: string;
  readonly directorPublicPath: string;
  readonly controllerCredentialsPath: string;
  readonly controllerPublicNkey: string;
  readonly nodes: readonly NodeKeys[];
}

/** Reads the keys of a data directory, and makes those that are not there. */
export async function ensureFleetKeys(dataDir: string, nodeIds: readonly string[]): Promise<FleetKeys> {
  const folder = join(dataDir, 'keys');
  const nodePublicDir = join(folder, 'nodes');
  await mkdir(nodePublicDir, { recursive: true, mode: 0o700 });
  const build = await ensurePair(folder, 'build');
  const director = await ensurePair(folder, 'director');
  const controllerCredentialsPath = join(folder, 'controller.nkey');
  const controller = await ensureCredentials(controllerCredentialsPath);
  const nodes: NodeKeys[] = [];
  for (const id of nodeIds) {
    const pair = await ensurePair(nodePublicDir, id);
    const credentialsPath = join(nodePublicDir, `${id}.nkey`);
    const { publicNkey } = await ensureCredentials(credentialsPath);
    nodes.push({ id, keyPath: pair.privatePath, publicKeyPath: pair.publicPath, credentialsPath, publicNkey });
  }
  return {
    buildKeyPath: build.privatePath,
    buildPublicPath: build.publicPath,
    directorKeyPath: director.privatePath,
    directorPublicPath: director.publicPath,
    controllerCredentialsPath,
    controllerPublicNkey: controller.publicNkey,
    nodes,
  };
}

async function ensurePair(folder: string, name: string): Promise<{ privatePath: string; publicPath: string }> {
  const privatePath = join(folder, `${name}.pem`);
  const publicPath = join(folder, `${name}.pub.pem`);
  const key = await orMake(
    () => readPrivateKey(privatePath),
    () => makeKey(privatePath),
  );
  // Written each time: a crash between the two files must not leave a key without its public half.
  await writePublicKeys(publicPath, [publicKeyOf(key)]);
  return { privatePath, publicPath };
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPair();
  await writePrivateKey(path, privateKey);
  return privateKey;
}

function ensureCredentials(path: string): Promise<Credentials> {
  return orMake(
    () => readCredentials(path),
    () => createCredentials(path),
  );
}

async function orMake<T>(read: () => Promise<T>, make: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isAtollError(error, 'NOT_FOUND')) throw error;
    return make();
  }
}

/** What lies in a data directory before the first process of a fleet starts: folders, keys, the list of nodes, NATS' configuration. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@atoll/base/files';
import { renderServerConfig } from '@atoll/bus/server-config';
import { ensureFleetKeys, type FleetKeys } from './fleet-keys.js';
import { enrolmentPath, natsFolder, nodeLabels } from './services.js';

/** Prepares a data directory for this many nodes and gives the keys. */
export async function prepareDataDir(dataDir: string, nodes: number): Promise<FleetKeys> {
  await mkdir(join(dataDir, 'logs'), { recursive: true });
  await mkdir(natsFolder(dataDir), { recursive: true });
  const ids = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
  const keys = await ensureFleetKeys(dataDir, ids);
  const enrolled = await Promise.all(
    keys.nodes.map(async ({ id, publicKeyPath }, index) => ({
      id,
      publicKey: await readFile(publicKeyPath, 'utf8'),
      labels: nodeLabels(index),
    })),
  );
  await writeFileAtomic(enrolmentPath(dataDir), `${JSON.stringify(enrolled, null, 2)}\n`);
  const config = renderServerConfig({
    listen: '127.0.0.1:-1',
    storeDir: join(natsFolder(dataDir), 'store'),
    portsFileDir: natsFolder(dataDir),
    controllerPublicNkey: keys.controllerPublicNkey,
    nodes: keys.nodes,
  });
  await writeFileAtomic(join(natsFolder(dataDir), 'server.conf'), config);
  return keys;
}

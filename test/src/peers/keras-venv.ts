import { execFile } from 'node:child_process';
import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { reasonOf } from '@atoll/base/error';

const runFile = promisify(execFile);
const requirement = 'tensorflow-cpu==2.15.1';
/** The environment, and what pip has beside it while it installs. */
const neededBytes = 2e9;

/** A Python that can import Keras 2.15, or why there is none and what helps. */
export type KerasPython = { readonly python: string } | { readonly skip: string };

/** Makes the virtual environment once, in Atoll's cache; a half-made one is made anew. */
export async function kerasPython(env: Env): Promise<KerasPython> {
  if (env['ATOLL_PEERS'] === '0') {
    return {
      skip: `ATOLL_PEERS=0 asks for no peers: without it ${requirement} is fetched by pip once, 1.3 GB on disk`,
    };
  }
  const folder = join(cachePaths(env).root, 'peers', 'keras-2.15.1');
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (await exists(complete)) return { python };
  try {
    const { stdout } = await runFile('python3', ['-c', 'import sys; print(sys.version_info[1])']);
    const minor = Number(stdout);
    if (minor < 9 || minor > 11) return { skip: `${requirement} needs Python 3.9 to 3.11 and python3 is 3.${minor}` };
    await rm(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    const { bavail, bsize } = await statfs(dirname(folder));
    if (bavail * bsize < neededBytes)
      return { skip: `${requirement} needs ${neededBytes} bytes of disk for ${folder}` };
    process.stderr.write(`Fetching ${requirement} by pip, once: 240 MB to download, 1.3 GB in ${folder}\n`);
    await runFile('python3', ['-m', 'venv', folder]);
    await runFile(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement]);
    await writeFile(complete, '');
    return { python };
  } catch (error) {
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

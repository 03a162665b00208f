import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { reasonOf } from '@atoll/base/error';

const runFile = promisify(execFile);
const version = 'v1.9.3';

/** The program, or why there is none and what helps. */
export type Grpcurl = { readonly program: string } | { readonly skip: string };

/** Finds grpcurl in Atoll's cache; with ATOLL_PEERS=all it is built there once where it is not yet. */
export async function grpcurl(env: Env): Promise<Grpcurl> {
  if (env['ATOLL_PEERS'] === '0')
    return { skip: 'ATOLL_PEERS=0 asks for no peers: ATOLL_PEERS=all builds grpcurl once' };
  const folder = join(cachePaths(env).root, 'peers', `grpcurl-${version}`);
  const program = join(folder, 'grpcurl');
  const isThere = await stat(program).then(
    () => true,
    () => false,
  );
  if (isThere) return { program };
  if (env['ATOLL_PEERS'] !== 'all') {
    return { skip: `there is no grpcurl ${version}: ATOLL_PEERS=all builds it once with go, 0.3 GB on disk meanwhile` };
  }
  const made = `${folder}.${process.pid}`;
  try {
    await mkdir(made, { recursive: true });
    process.stderr.write(`Building grpcurl ${version} by go, once, in ${folder}\n`);
    await runFile('go', ['install', `github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`], {
      cwd: made,
      // Its sources are read-only by default, and would have to stay.
      env: { ...env, GOBIN: made, GOPATH: join(made, 'go'), GOCACHE: join(made, 'cache'), GOFLAGS: '-modcacherw' },
      timeout: 600_000,
    });
    await rm(join(made, 'go'), { recursive: true, force: true });
    await rm(join(made, 'cache'), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
    return { program };
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    return { skip: `no grpcurl ${version}: ${reasonOf(error).split('\n').slice(0, 2).join(' ')}; install go` };
  }
}

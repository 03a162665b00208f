import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '@atoll/base/error';

const pollMs = 200;

/**
 * Runs `task` while no other process runs one under the same lock file, on this machine. The file names its holder;
 * one whose process is gone is taken over. It spares double work only: what set-up makes appears by a rename,
 * so even two holders (a cache shared between machines) do no harm.
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal,
  say: (line: string) => void,
  task: () => Promise<T>,
): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`;
  let told = false;
  while (!(await tryTake(path, mine))) {
    signal.throwIfAborted();
    const holder = await readIfThere(path);
    if (holder === undefined) continue;
    if (isGone(holder)) {
      await takeAway(path, holder);
      continue;
    }
    if (!told) say(`  another set-up (process ${holder.split(' ')[0] ?? '?'}) is at work on ${path}; waiting for it`);
    told = true;
    await delay(pollMs, undefined, { signal });
  }
  try {
    return await task();
  } finally {
    if ((await readIfThere(path)) === mine) await rm(path, { force: true });
  }
}

/** The file appears with its content in one step, by a link, so that nobody ever reads an empty one. */
async function tryTake(path: string, content: string): Promise<boolean> {
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(own, content, { flag: 'wx' });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(own);
  }
}

/** Removes a dead holder's file; should a living one have come between, it gets its file back. */
async function takeAway(path: string, dead: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}.dead`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== dead) await link(aside, path).catch(ignoreExisting);
  await rm(aside, { force: true });
}

function ignoreExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error;
}

function isGone(holder: string): boolean {
  const [pid, host] = holder.trim().split(' ');
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  let handle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

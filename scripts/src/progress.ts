import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@atoll/base/error';

const everyMs = 3_000;

/** Bytes as people read them: "7.2 MB". */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value >= 1_000 ? `${(value / 1_000).toFixed(1)} GB` : `${value.toFixed(value < 10 ? 1 : 0)} MB`;
}

/** Says every 3 s how much of `totalBytes` lies in a folder while a task fills it: for tools that show no progress themselves. */
export async function whileFilling<T>(
  folder: string,
  totalBytes: number,
  say: (line: string) => void,
  task: () => Promise<T>,
): Promise<T> {
  const timer = setInterval(() => {
    void folderBytes(folder).then((bytes) => {
      if (bytes > 0) say(`    ${megabytes(Math.min(bytes, totalBytes))} of ${megabytes(totalBytes)}`);
    });
  }, everyMs);
  try {
    return await task();
  } finally {
    clearInterval(timer);
  }
}

/** The sizes of all files below a folder, in bytes; what vanishes meanwhile counts nothing. */
async function folderBytes(folder: string): Promise<number> {
  const sizes = (await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent(() => [])))
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(absent(() => undefined)))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function absent<T>(instead: () => T): (error: unknown) => T {
  return (error) => {
    if (errnoOf(error) === 'ENOENT') return instead();
    throw error;
  };
}

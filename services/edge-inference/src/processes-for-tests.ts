import { readFile } from 'node:fs/promises';

/** Why a test that looks at child processes is skipped, or false. */
export const noProc: string | false =
  process.platform === 'linux' ? false : 'the children of a process are read from /proc, which is Linux alone';

/** Process ids of the children of a process. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

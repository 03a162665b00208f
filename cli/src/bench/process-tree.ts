import { readdir, readFile } from 'node:fs/promises';

/** What one process has used. */
export interface ProcessUse {
  readonly pid: number;
  /** utime + stime since its start (proc_pid_stat(5)), in steps of 10 ms. */
  readonly cpuSeconds: number;
  /** Pages shared with other processes count in each (proc_pid_statm(5)). */
  readonly rssBytes: number;
}

const pageBytes = 4096;
/** USER_HZ, the unit of times in /proc, is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** A process and its descendants, the process itself first; what has ended meanwhile is left out, and all where there is no /proc. */
export async function processTree(pid: number): Promise<readonly ProcessUse[]> {
  try {
    const [stat, statm, threads] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/statm`, 'utf8'),
      readdir(`/proc/${pid}/task`),
    ]);
    const uses: ProcessUse[] = [
      { pid, cpuSeconds: ownCpuSeconds(stat), rssBytes: Number(statm.split(' ')[1]) * pageBytes },
    ];
    for (const thread of threads) {
      const children = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8');
      for (const child of children.split(' ').filter((word) => word !== ''))
        uses.push(...(await processTree(Number(child))));
    }
    return uses;
  } catch {
    return [];
  }
}

/** Resident memory of all of them. */
export function rssOf(uses: readonly ProcessUse[]): number {
  return uses.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}

/** Memory of a process with a page that n share counted as an nth of it (Pss of proc_pid_smaps(5)); 0 where that is not told. */
export async function pssBytesOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB$/m.exec(text) ?? [];
  return Number(kilobytes) * 1024;
}

/** Processor time of all children of this process that have ended (cutime + cstime); null without /proc. */
export async function endedChildrenCpuSeconds(): Promise<number | null> {
  const stat = await readFile('/proc/self/stat', 'utf8').catch(() => undefined);
  return stat === undefined ? null : ticksAt(stat, 13) + ticksAt(stat, 14);
}

/** Processor time of one process; 0 for one that has ended. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined ? 0 : ownCpuSeconds(stat);
}

function ownCpuSeconds(stat: string): number {
  return ticksAt(stat, 11) + ticksAt(stat, 12);
}

/** Fields are counted behind the name, which may itself hold blanks and parentheses. */
function ticksAt(stat: string, index: number): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[index]) / ticksPerSecond;
}

import { readFile } from 'node:fs/promises';

/** Resident memory of a process in bytes; undefined where the system does not tell, or the process has ended. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
    return found === null ? undefined : Number(found[1]) * 1_024;
  } catch {
    // No such process any more, or a system without /proc.
    return undefined;
  }
}

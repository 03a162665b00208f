/*
 * Whether a process that owes an answer is at work. One that was stopped, or that sleeps while a processor should be computing for
 * it, will not answer however long it is waited for; one that has not got a processor, waits for the disk, or is let run now and
 * then, may. Of a process on a device nobody can tell sleep from work, because it sleeps while the device computes.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What the system tells of a process at one moment. */
export interface Activity {
  /** A letter of proc_pid_stat(5); S means that all of its threads sleep. */
  readonly state: string;
  /** Processor time of all its threads, nanoseconds. */
  readonly cpuNs: bigint;
}

/** True when waiting longer is in vain; `before` is from a while ago in the same run, undefined at the first look. */
export function standsStill(before: Activity | undefined, now: Activity, onDevice: boolean): boolean {
  if (before === undefined || before.cpuNs !== now.cpuNs || before.state !== now.state) return false;
  return now.state === 'T' || now.state === 't' || (now.state === 'S' && !onDevice);
}

/** Of a running process; undefined where the system does not tell. */
export function activityOf(pid: number): Activity | undefined {
  const tasks = `/proc/${pid}/task`;
  try {
    const threads = readdirSync(tasks);
    const states = threads.map((thread) => stateIn(readFileSync(`${tasks}/${thread}/stat`, 'latin1')));
    const times = threads.map((thread) => readFileSync(`${tasks}/${thread}/schedstat`, 'latin1').split(' ')[0] ?? '');
    const cpuNs = times.reduce((sum, ns) => sum + BigInt(ns), 0n);
    // A kernel that does not count.
    return cpuNs === 0n ? undefined : { state: states.find((state) => state !== 'S') ?? 'S', cpuNs };
  } catch {
    return undefined;
  }
}

/** The letter after the name, which may hold anything. */
function stateIn(stat: string): string {
  return stat.charAt(stat.lastIndexOf(')') + 2);
}

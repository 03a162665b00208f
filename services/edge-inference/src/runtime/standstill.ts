/*
 * Whether a process that owes an answer is at work. One that was stopped, or that sleeps while a processor should be computing for
 * it, will not answer however long it is waited for; one that has not got a processor, or waits for the disk, may. Of a process on
 * a device nobody can tell from here, because it sleeps while the device computes.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What the system tells of a process at one moment. */
export interface Activity {
  /** A letter of proc_pid_stat(5). */
  readonly state: string;
  /** Processor time of all its threads, clock ticks. */
  readonly ticks: number;
}

/** True when waiting longer is in vain; `before` is from a while ago in the same run, undefined at the first look. */
export function standsStill(before: Activity | undefined, now: Activity, onDevice: boolean): boolean {
  if (now.state === 'T' || now.state === 't') return true;
  if (onDevice || before === undefined) return false;
  return before.state === 'S' && now.state === 'S' && now.ticks === before.ticks;
}

/** Of a running process; undefined where the system does not tell. Asleep means all of its threads. */
export function activityOf(pid: number): Activity | undefined {
  try {
    const { state, ticks } = statOf(`/proc/${pid}/stat`);
    if (state !== 'S') return { state, ticks };
    const tasks = `/proc/${pid}/task`;
    const states = readdirSync(tasks).map((thread) => statOf(`${tasks}/${thread}/stat`).state);
    return { state: states.find((one) => one !== 'S') ?? 'S', ticks };
  } catch {
    return undefined;
  }
}

function statOf(path: string): Activity {
  const stat = readFileSync(path, 'latin1');
  // The name before it may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', ticks: Number(fields[11]) + Number(fields[12]) };
}

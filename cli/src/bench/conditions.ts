import { cpus, loadavg } from 'node:os';

/** What figures of time depend on, beside what was measured; the load is that of the last minute, so that of others at the start. */
export function machineConditions(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    node: process.version,
    load1m: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** The same in one line. */
export function describeConditions(conditions: Readonly<Record<string, string | number>>): string {
  return Object.entries(conditions)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

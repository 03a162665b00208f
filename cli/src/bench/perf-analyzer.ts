import { access, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import type { RunningServer } from './bench-server.js';
import type { Load, LoadClient, LoadResult } from './load.js';
import { measuredRun } from './measured-run.js';
import { pytritonWheel, wheelLibrary } from './pytriton-wheel.js';

/** Windows of a run, which perf_analyzer joins; fewer than three are never stable to it. */
const windows = 3;

/**
 * Triton's own load generator with raw tensors; `python` is that of its environment, `triton` that of the server's,
 * whose wheel has the two libraries that it wants.
 */
export function perfAnalyzer(python: string, triton: string, env: Env): LoadClient {
  return {
    name: 'perf_analyzer 2.41',
    async run(server, model, load, signal) {
      const program = join(dirname(python), 'perf_analyzer');
      const folder = await mkdtemp(join(tmpdir(), 'atoll-perf-'));
      try {
        const wheel = await pytritonWheel(triton);
        await symlink(await wheelLibrary(wheel, 'libb64'), join(folder, 'libb64.so.0d'));
        await symlink(await wheelLibrary(wheel, 'libcudart'), join(folder, 'libcudart.so.12'));
        const report = join(folder, 'report.csv');
        const target = ['-m', model.name, ...targetOf(server, load)];
        const windowMs = Math.round((load.seconds * 1000) / windows);
        // Without a bound on stability that all runs meet, a run on a busy machine would tell nothing.
        const measure = ['-p', String(windowMs), '-r', String(windows), '-s', '999', '--percentile=99', '-f', report];
        const taken = await measuredRun(program, [...target, ...measure], { ...env, LD_LIBRARY_PATH: folder }, signal);
        const result = readReport(await readFile(report, 'utf8'));
        const requests = result.requestsPerSecond * taken.seconds;
        return { ...result, clientCpuMs: taken.cpuSeconds === null ? null : (taken.cpuSeconds * 1000) / requests };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function targetOf({ address, http = '' }: RunningServer, { protocol, concurrency }: Load): readonly string[] {
  const place = protocol === 'grpc' ? ['-i', 'grpc', '-u', address] : ['-i', 'http', '-u', http];
  return [...place, '--concurrency-range', String(concurrency)];
}

/** The head and the one line of its CSV; latencies are in microseconds. */
export function readReport(csv: string): LoadResult {
  const [head = '', line = ''] = csv.trim().split('\n');
  const cells = line.split(',');
  const columns = head.split(',');
  const numberOf = (column: string): number => {
    const value = Number(cells[columns.indexOf(column)] ?? Number.NaN);
    if (!Number.isFinite(value))
      throw new AtollError('DATA_LOSS', `cannot read the report of perf_analyzer: it has no number for ${column}`);
    return value;
  };
  return {
    requestsPerSecond: numberOf('Inferences/Second'),
    p50Ms: numberOf('p50 latency') / 1000,
    p99Ms: numberOf('p99 latency') / 1000,
    clientCpuMs: null,
  };
}

/** True when the program is where it should be. */
export async function hasPerfAnalyzer(python: string): Promise<boolean> {
  return access(join(dirname(python), 'perf_analyzer')).then(
    () => true,
    () => false,
  );
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readReport } from '@atoll/cli/bench/perf-analyzer';
import { pytritonWheel, wheelLibrary } from '@atoll/cli/bench/pytriton-wheel';
import type { ServingNode } from './serving-node.js';
import { startServingNode } from './serving-node.js';
import { perfAnalyzerPythons } from './serving-venv.js';

const runFile = promisify(execFile);
const found = await perfAnalyzerPythons(process.env);

describe('perf_analyzer against a node', { skip: 'skip' in found && found.skip }, () => {
  let node: ServingNode;
  let folder = '';
  before(async () => {
    node = await startServingNode();
    folder = await mkdtemp(join(tmpdir(), 'atoll-perf-analyzer-'));
    if ('skip' in found) return;
    const wheel = await pytritonWheel(found.libraries);
    await symlink(await wheelLibrary(wheel, 'libb64'), join(folder, 'libb64.so.0d'));
    await symlink(await wheelLibrary(wheel, 'libcudart'), join(folder, 'libcudart.so.12'));
  });
  after(async () => {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const cases = [
    ['grpc', []],
    ['grpc', ['--streaming', '-a']],
    ['http', []],
  ] as const;
  for (const [protocol, flags] of cases) {
    test(`it runs unchanged: ${['-i', protocol, ...flags].join(' ')}`, async () => {
      const program = 'program' in found ? join(dirname(found.program), 'perf_analyzer') : '';
      const report = join(folder, 'report.csv');
      const target = ['-m', 'tiny', '-i', protocol, '-u', node[protocol], '--concurrency-range', '2', ...flags];
      // Twenty requests a window, however slow the machine, and no bound on how much the windows may differ.
      const measure = ['--measurement-mode', 'count_windows', '--measurement-request-count', '20', '-s', '999'];
      const { stdout } = await runFile(program, [...target, ...measure, '-r', '3', '-f', report], {
        timeout: 120_000,
        env: { ...process.env, LD_LIBRARY_PATH: folder },
      });
      assert.doesNotMatch(stdout, /error|fail/i);
      assert.ok(readReport(await readFile(report, 'utf8')).requestsPerSecond > 0);
      // It reads the node's own statistics around every window.
      assert.match(stdout, /Inference count: \d{2,}/);
    });
  }
});

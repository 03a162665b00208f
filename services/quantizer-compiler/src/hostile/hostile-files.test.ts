import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { driveMutants } from './drive-mutants-for-tests.js';
import type { MutantResult } from './read-mutants-for-tests.js';

const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const megabyte = 1024 * 1024;

describe('hostile files', () => {
  it('500 mutants of every format are refused in one clear line or read, without crash, hang or growth', async () => {
    const request = { coral, from: 1, to: 501, only: null, libraries: null };
    const { results, growthBytes } = await driveMutants(request, 60_000);
    assertHarmless(results, 500, growthBytes);
    // A generator that breaks everything, or nothing, would try little.
    const share = (outcome: string): number => results.filter((one) => one.outcome === outcome).length / results.length;
    assert.ok(
      share('refused') > 0.2 && share('converted') > 0.05,
      JSON.stringify([share('refused'), share('converted')]),
    );
  });

  it('100 more, where they convert, are quantized and run by a runtime without harm', async () => {
    const request = { coral, from: 1001, to: 1101, only: null, libraries: cachePaths(process.env) };
    const { results, growthBytes } = await driveMutants(request, 60_000);
    assertHarmless(results, 100, growthBytes);
  });
});

function assertHarmless(results: readonly MutantResult[], count: number, growthBytes: number): void {
  assert.equal(results.length, count);
  assert.deepEqual(
    results.filter(({ outcome }) => outcome === 'fault'),
    [],
  );
  assert.deepEqual(
    results.filter(({ cpuMs }) => cpuMs > 5000),
    [],
  );
  assert.ok(growthBytes < 300 * megabyte, `reading them took ${Math.round(growthBytes / megabyte)} MB`);
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { driveMutants } from './drive-mutants-for-tests.js';

const coral = join(import.meta.dirname, '../../../../../shared/data/coral');
const megabyte = 1024 * 1024;

describe('hostile files', () => {
  it('500 mutants of every format are refused in one clear line or read, without crash, hang or growth', async () => {
    const request = { coral, from: 1, to: 501, only: null, libraries: null };
    const { results, growthBytes } = await driveMutants(request, 60_000);
    assert.equal(results.length, 500);
    const faults = results.filter(({ outcome }) => outcome === 'fault');
    assert.deepEqual(faults, []);
    const slow = results.filter(({ cpuMs }) => cpuMs > 5000);
    assert.deepEqual(slow, []);
    assert.ok(growthBytes < 300 * megabyte, `reading them took ${Math.round(growthBytes / megabyte)} MB`);
    // A generator that breaks everything, or nothing, would try little.
    const share = (outcome: string): number => results.filter((one) => one.outcome === outcome).length / results.length;
    assert.ok(
      share('refused') > 0.2 && share('converted') > 0.05,
      JSON.stringify([share('refused'), share('converted')]),
    );
  });
});

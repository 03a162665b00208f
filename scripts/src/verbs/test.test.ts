import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compiledTest, testSources } from './test.js';

describe('testSources', () => {
  it('finds the tests of all projects by their sources, and nothing that only dist has', async () => {
    const root = await mkdtemp(join(tmpdir(), 'atoll-tests-'));
    try {
      const files = ['packages/a/src/x.test.ts', 'services/b/src/deep/y.test.ts', 'cli/src/z.test.ts'];
      const others = ['packages/a/src/x.ts', 'packages/a/dist/old.test.js', 'test/other/w.test.ts'];
      for (const file of [...files, ...others]) {
        await mkdir(join(root, file, '..'), { recursive: true });
        await writeFile(join(root, file), '');
      }
      assert.deepEqual(await testSources(root), files.map((file) => join(root, file)).toSorted());
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it('compiledTest maps a source to what the compiler makes of it and refuses anything else', () => {
    assert.equal(compiledTest('/r/packages/a/src/b/c.test.ts'), '/r/packages/a/dist/b/c.test.js');
    assert.throws(() => compiledTest('/r/packages/a/src/c.ts'), { code: 'INVALID_ARGUMENT' });
  });
});

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { differingFiles } from './gen.js';

describe('differingFiles', () => {
  it('names what differs and what only one side has', async () => {
    const root = await mkdtemp(join(tmpdir(), 'atoll-differ-'));
    try {
      const sides = {
        left: { same: '1', 'deep/differs': '1', gone: '1' },
        right: { same: '1', 'deep/differs': '2', new: '1' },
      };
      for (const [side, files] of Object.entries(sides)) {
        await mkdir(join(root, side, 'deep'), { recursive: true });
        for (const [name, content] of Object.entries(files)) await writeFile(join(root, side, name), content);
      }
      const differing = await differingFiles(join(root, 'left'), join(root, 'right'));
      assert.deepEqual(differing, ['deep/differs', 'gone', 'new']);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

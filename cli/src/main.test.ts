import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const full = '/dev/full';
const skip = existsSync(full) ? false : `${full}, a file that takes no byte, is not on this system; Linux has it`;

for (const [name, option] of [
  ['main.js', '--version'],
  ['demo/main.js', '--help'],
] as const) {
  test(`${name} fails with one line when standard output takes no more`, { skip }, () => {
    const stdout = openSync(full, 'w');
    try {
      const main = fileURLToPath(new URL(name, import.meta.url));
      const { status, stderr } = spawnSync(process.execPath, [main, option], {
        stdio: ['ignore', stdout, 'pipe'],
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^atoll: cannot write to standard output: .*ENOSPC.*\n$/);
    } finally {
      closeSync(stdout);
    }
  });
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { extractTgz, extractZip } from './archive.js';
import { makeTgz, makeZip } from './archive-samples.js';

const never = new AbortController().signal;
const big = randomBytes(300_000);
const small = Buffer.from('small\n');
const members = {
  'package/other': randomBytes(1_000),
  'package/big': big,
  'package/small': small,
  'package/empty': Buffer.alloc(0),
};

const kinds = [
  { kind: 'extractZip', extract: extractZip, make: makeZip },
  { kind: 'extractTgz', extract: extractTgz, make: makeTgz },
] as const;

for (const { kind, extract, make } of kinds) {
  describe(kind, () => {
    let folder = '';
    let archive = '';
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'atoll-archive-'));
      archive = join(folder, 'archive');
      await writeFile(archive, make(members));
    });
    after(() => rm(folder, { recursive: true }));

    it('writes the wanted members only, byte for byte, with their mode', async () => {
      const to = (name: string): string => join(folder, 'out', name);
      const wanted = [
        { member: 'package/small', maxBytes: 6, to: to('s') },
        { member: 'package/big', maxBytes: big.length, to: to('deep/b'), mode: 0o755 },
        { member: 'package/empty', maxBytes: 0, to: to('e') },
      ];
      await extract(archive, wanted, never);
      assert.deepEqual(await readFile(to('s')), small);
      assert.deepEqual(await readFile(to('deep/b')), big);
      assert.equal((await stat(to('e'))).size, 0);
      assert.equal((await stat(to('deep/b'))).mode & 0o111, 0o111);
    });

    it('refuses a member that is larger than allowed, before it writes a byte', async () => {
      const to = join(folder, 'too-large');
      await assert.rejects(extract(archive, [{ member: 'package/big', maxBytes: 1_000, to }], never), /300000 bytes/);
      await assert.rejects(stat(to), /ENOENT/);
    });

    it('names a member that is not there', async () => {
      const wanted = [{ member: 'package/none', maxBytes: 1, to: join(folder, 'none') }];
      await assert.rejects(extract(archive, wanted, never), /no member package\/none/);
    });

    it('refuses every prefix of an archive with DATA_LOSS', async () => {
      const whole = make(members);
      const cut = join(folder, 'cut');
      for (const length of [0, 1, 21, 100, 511, 1_500, whole.length / 2, whole.length - 2_000]) {
        await writeFile(cut, whole.subarray(0, Math.floor(length)));
        const wanted = [{ member: 'package/empty', maxBytes: 0, to: join(folder, 'cut-out') }];
        await assert.rejects(
          extract(cut, wanted, never),
          (error) => isAtollError(error, 'DATA_LOSS'),
          `${length} bytes of ${whole.length}`,
        );
      }
    });

    // A zip is read by parts, so each has a checksum to hold it against; a .tgz is held against its pinned SHA-256.
    if (kind !== 'extractZip') return;
    it('refuses a flipped bit in the member', async () => {
      const bytes = make({ 'package/big': big });
      bytes.writeUInt8(bytes.readUInt8(150_000) ^ 1, 150_000);
      const flipped = join(folder, 'flipped');
      await writeFile(flipped, bytes);
      const wanted = [{ member: 'package/big', maxBytes: big.length, to: join(folder, 'flipped-out') }];
      await assert.rejects(extract(flipped, wanted, never), { code: 'DATA_LOSS', message: /package\/big/ });
    });
  });
}

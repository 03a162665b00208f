import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { manifests, readText, repositoryRoot } from '../support/repository.js';

/** Licences under which a package may be shipped, by the words of their package.json. */
const accepted =
  /^(MIT|ISC|0BSD|Unlicense|BSD-[23]-Clause|Apache-2\.0|Python-2\.0|BlueOak-1\.0\.0|CC0-1\.0|MIT-0|LGPL-3\.0-or-later)$/;
/** Packages whose package.json names no licence, read by hand; NOTICE says which. */
const readByHand = new Set(['h5wasm']);

interface LockEntry {
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly license?: string;
}

function isAccepted(licence: string): boolean {
  return licence
    .replace(/[()]/g, '')
    .split(' AND ')
    .every((part) => part.split(' OR ').some((one) => accepted.test(one.trim())));
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

describe('licences', () => {
  test('every package that may be shipped is under an accepted licence', async () => {
    const lock = JSON.parse(await readText('package-lock.json')) as { packages: Record<string, LockEntry> };
    const shipped = Object.entries(lock.packages).filter(
      ([path, entry]) => path.includes('node_modules/') && entry.link !== true && entry.dev !== true,
    );
    assert.ok(shipped.length > 100);
    const refused: string[] = [];
    for (const [path, entry] of shipped) {
      const licence = entry.license ?? (await licenceOnDisk(path));
      if (!isAccepted(licence) && !readByHand.has(nameOf(path))) refused.push(`${path}: ${licence}`);
    }
    assert.deepEqual(refused, []);
  });

  test('NOTICE names every direct dependency of packages, services and cli', async () => {
    const notice = await readText('NOTICE');
    const unnamed = new Set<string>();
    for (const { path, dependencies } of await manifests()) {
      if (!/^(packages|services|cli)\//.test(path)) continue;
      for (const name of Object.keys(dependencies)) {
        if (!name.startsWith('@atoll/') && !new RegExp(`(^|[\\s])${name}([\\s,]|$)`, 'm').test(notice))
          unnamed.add(name);
      }
    }
    assert.deepEqual([...unnamed], []);
  });

  test('LICENSE is the Apache License 2.0, whole', async () => {
    const text = await readText('LICENSE');
    assert.match(text, /Version 2\.0, January 2004/);
    assert.match(text, /END OF TERMS AND CONDITIONS/);
  });

  test('a licence that is not accepted is refused', () => {
    for (const licence of ['GPL-3.0', 'MIT AND SSPL-1.0', 'UNLICENSED', 'unknown'])
      assert.equal(isAccepted(licence), false);
    assert.equal(isAccepted('(MIT OR GPL-3.0-or-later)'), true);
    assert.equal(isAccepted('(Apache-2.0 AND BSD-3-Clause)'), true);
  });
});

async function licenceOnDisk(path: string): Promise<string> {
  const manifest = join(repositoryRoot, path, 'package.json');
  if (!existsSync(manifest)) return 'unknown';
  const { license } = JSON.parse(await readFile(manifest, 'utf8')) as { license?: unknown };
  return typeof license === 'string' ? license : 'unknown';
}

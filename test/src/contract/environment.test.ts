import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readText, repositoryFiles, sourcePaths } from '../support/repository.js';
import { readSource } from './source.js';

const table = 'docs/operations.md';
const readSomewhere = /^(ATOLL_[A-Z0-9_]*[A-Z0-9]|EDGETPU_COMPILER)$/;

/** The names in the first column of the page's table `| name | used by | default | meaning |`. */
function tabled(page: string): readonly string[] {
  return [...page.matchAll(/^\| *`((?:ATOLL|EDGETPU)_[A-Z0-9_]+)` *\|/gm)].map((match) => match[1] ?? '');
}

async function namesInCode(): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const path of await sourcePaths()) {
    if (path.startsWith('test/') || path.endsWith('.test.ts')) continue;
    for (const text of readSource(path, await readText(path)).texts) if (readSomewhere.test(text)) names.add(text);
  }
  return names;
}

describe('environment', () => {
  test('every name that the code reads stands in the table of docs/operations.md', async () => {
    const page = new Set(tabled(await readText(table)));
    const names = await namesInCode();
    assert.ok(names.has('ATOLL_CACHE'), 'the search finds nothing');
    assert.deepEqual([...names].filter((name) => !page.has(name)).toSorted(), []);
  });

  test('every name of the table is read by the code, and stands there once', async () => {
    const page = tabled(await readText(table));
    const names = await namesInCode();
    assert.deepEqual(
      page.filter((name) => !names.has(name)),
      [],
    );
    assert.deepEqual(
      page.filter((name, index) => page.indexOf(name) !== index),
      [],
    );
  });

  test('deployment files set only names that the table knows', async () => {
    const page = new Set(tabled(await readText(table)));
    const unknown: string[] = [];
    for (const path of await deploymentFiles()) {
      for (const [name] of (await readText(path)).matchAll(/\bATOLL_[A-Z0-9_]+\b/g)) {
        if (!page.has(name)) unknown.push(`${path}: ${name}`);
      }
    }
    assert.deepEqual(unknown, []);
  });
});

async function deploymentFiles(): Promise<readonly string[]> {
  const files = (await repositoryFiles()).filter((path) => path.startsWith('deploy/') || path.startsWith('k8s/'));
  assert.ok(files.length > 10, 'the deployment files are missing');
  return files;
}

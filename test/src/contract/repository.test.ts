import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { manifests, readText, repositoryFiles, repositoryRoot, sourcePaths } from '../support/repository.js';

/** What the project was set out with: everything else needs a page in docs/decisions. */
const onTheCard =
  /^(typescript|@types\/node|@grpc\/grpc-js|ts-proto|@bufbuild\/protobuf|@bufbuild\/buf|@tensorflow\/tfjs(-.+)?|@atoll\/.+)$/;

const linesOf = async (path: string): Promise<number> => (await readText(path)).trimEnd().split('\n').length;

async function longerThan(paths: readonly string[], lines: number): Promise<readonly string[]> {
  const counted = await Promise.all(paths.map(async (path) => ({ path, lines: await linesOf(path) })));
  return counted.filter((file) => file.lines > lines).map((file) => `${file.path}: ${file.lines} lines`);
}

describe('repository', () => {
  test('no source is longer than 400 lines', async () => {
    const paths = await sourcePaths();
    assert.ok(paths.length > 100);
    assert.deepEqual(await longerThan(paths, 400), []);
  });

  test('README fits 120 lines and each decision page 40', async () => {
    const pages = (await repositoryFiles()).filter((path) => path.startsWith('docs/decisions/'));
    assert.ok(pages.length > 3);
    assert.deepEqual(await longerThan(['README.md'], 120), []);
    assert.deepEqual(await longerThan(pages, 40), []);
  });

  test('decision pages are NNN-title.md and no number comes twice', async () => {
    const names = (await repositoryFiles())
      .filter((path) => path.startsWith('docs/decisions/'))
      .map((path) => path.slice('docs/decisions/'.length));
    assert.deepEqual(
      names.filter((name) => !/^\d{3}-[a-z0-9-]+\.md$/.test(name)),
      [],
    );
    const numbers = names.map((name) => name.slice(0, 3));
    assert.deepEqual(
      numbers.filter((number, index) => numbers.indexOf(number) !== index),
      [],
    );
  });

  test('sources are named in kebab-case for what they hold, never utils, helpers, common, types or index', async () => {
    const vague = /(^|\/)(utils?|helpers?|common|types|misc|shared|index)(\/|\.ts$)/;
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*((\.property)?\.test)?\.ts$/;
    const named = (path: string): boolean => kebab.test(path.slice(path.lastIndexOf('/') + 1)) && !vague.test(path);
    assert.equal(named('packages/base/src/utils.ts'), false);
    assert.equal(named('packages/base/src/common/a.ts'), false);
    assert.equal(named('packages/base/src/fileStore.ts'), false);
    assert.deepEqual(
      (await sourcePaths()).filter((path) => !named(path)),
      [],
    );
  });

  test('no default exports', async () => {
    const found: string[] = [];
    for (const path of await sourcePaths()) {
      if (/^export default /m.test(await readText(path))) found.push(path);
    }
    assert.deepEqual(found, []);
  });

  test('every package.json names exact versions', async () => {
    const loose: string[] = [];
    for (const { path, dependencies, devDependencies } of await manifests()) {
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) loose.push(`${path}: ${name} ${version}`);
      }
    }
    assert.deepEqual(loose, []);
  });

  test('one version of a dependency serves all workspaces', async () => {
    const versions = new Map<string, Set<string>>();
    for (const { dependencies, devDependencies } of await manifests()) {
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
        versions.set(name, (versions.get(name) ?? new Set()).add(version));
      }
    }
    const split = [...versions].filter(([, found]) => found.size > 1).map(([name]) => name);
    assert.deepEqual(split, []);
  });

  test('every dependency that is not on the card is named by a decision page', async () => {
    const pages = (await repositoryFiles()).filter((path) => path.startsWith('docs/decisions/'));
    const decided = (await Promise.all(pages.map(readText))).join('\n');
    const named = (name: string): boolean =>
      decided.includes(`\`${name}\``) ||
      (name.startsWith('@') && decided.includes(`\`${name.split('/')[0] ?? ''}/*\``));
    const undecided = new Set<string>();
    for (const { dependencies, devDependencies } of await manifests()) {
      for (const name of [...Object.keys(dependencies), ...Object.keys(devDependencies)]) {
        if (!onTheCard.test(name) && !named(name)) undecided.add(name);
      }
    }
    assert.deepEqual([...undecided].toSorted(), []);
  });

  test('no file names a folder of a machine, a registry or a mirror', async () => {
    const traces: readonly RegExp[] = [
      /(?<![\w.-])\/(work|root|home\/(?!nonroot\b|node\b)[a-z]\w*|Users)\/\w/,
      /registry\.npmjs\.org|registry\.yarnpkg\.com|files\.pythonhosted\.org|pypi\.org|proxy\.golang\.org|npmmirror/,
    ];
    assert.ok(traces.some((trace) => trace.test(['', 'work', 'main'].join('/'))));
    const found: string[] = [];
    for (const path of await writtenText()) {
      for (const [index, line] of (await readText(path)).split('\n').entries()) {
        if (traces.some((trace) => trace.test(line))) found.push(`${path}:${index + 1}: ${line.trim().slice(0, 100)}`);
      }
    }
    assert.deepEqual(found, []);
  });
});

const binary = /\.(binpb|png|jpe?g|webp|gif|tflite|h5|keras|bin|gz|zip|wasm|node|so)$/;

/** What people wrote: what git tracks where git is there, else all files; this test and the lock file name hosts by their nature. */
async function writtenText(): Promise<readonly string[]> {
  const paths = existsSync(join(repositoryRoot, '.git')) ? await trackedFiles() : await repositoryFiles();
  return paths.filter(
    (path) => !binary.test(path) && path !== 'package-lock.json' && !path.endsWith('contract/repository.test.ts'),
  );
}

async function trackedFiles(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: repositoryRoot, maxBuffer: 2 ** 24 });
  return stdout.split('\0').filter((path) => path !== '' && existsSync(join(repositoryRoot, path)));
}

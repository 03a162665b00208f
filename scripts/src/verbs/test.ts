import { readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { AtollError, errnoOf, isAtollError } from '@atoll/base/error';
import type { Machine } from '../part.js';
import { partNames } from '../part.js';
import { runChild } from '../run-child.js';
import { setUp } from '../setup.js';
import { gen } from './gen.js';

const concurrency = 2;
const fileTimeoutMs = 10 * 60_000;

/** A test that did not run, and why. */
interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** `npm test`: set-up, generated code, lint, then every test (or those of the named source files); exit code 0 only when all are well. */
export async function test(args: readonly string[], machine: Machine): Promise<number> {
  await setUp(partNames, machine);
  const { repository } = machine;
  const sources = args.length > 0 ? args.map((file) => resolve(repository, file)) : await testSources(repository);
  const files = sources.map(compiledTest);
  const faults = args.length > 0 ? [] : await checkSources(machine);
  heading(machine, `tests (${files.length} files)`);
  const { failed, skipped } = await runTests(files, machine.signal);
  machine.signal.throwIfAborted();
  if (failed > 0) faults.push('tests');
  if (skipped.length > 0) machine.say(`\n${skipped.length} skipped:`);
  for (const { name, reason } of skipped) machine.say(`  ${name}: ${reason}`);
  if (faults.length > 0) machine.say(`\nfailed: ${faults.join(', ')}`);
  return faults.length === 0 ? 0 : 1;
}

/** Runs every check, so that one run shows all that is wrong; gives the names of those that failed. */
async function checkSources(machine: Machine): Promise<string[]> {
  const tool = (name: string, ...args: readonly string[]): Promise<number> =>
    runChild(join(machine.repository, 'node_modules/.bin', name), args, {
      cwd: machine.repository,
      env: machine.env,
      signal: machine.signal,
    });
  const checks: readonly (readonly [string, () => Promise<number>])[] = [
    ['generated code', () => gen(['--check'], machine)],
    ['lint', () => tool('oxlint', '--type-aware')],
    ['format', () => tool('prettier', '--check', '.')],
    ['dead code', () => tool('knip')],
  ];
  const faults: string[] = [];
  for (const [title, check] of checks) {
    heading(machine, title);
    if (!(await passes(check, machine))) faults.push(title);
  }
  return faults;
}

async function passes(check: () => Promise<number>, machine: Machine): Promise<boolean> {
  try {
    return (await check()) === 0;
  } catch (error) {
    if (machine.signal.aborted || !isAtollError(error)) throw error;
    machine.say(error.message);
    return false;
  }
}

function heading(machine: Machine, title: string): void {
  machine.say(`\n== ${title}`);
}

/** Every x.test.ts of the repository's projects: the sources decide what runs, never what an old build left in dist. */
export async function testSources(repository: string): Promise<readonly string[]> {
  const projects = ['cli', 'scripts', 'test'];
  for (const group of ['packages', 'services']) {
    for (const name of await readdir(join(repository, group))) projects.push(join(group, name));
  }
  const found: string[] = [];
  for (const project of projects) {
    const folder = join(repository, project, 'src');
    for (const name of await namesBelow(folder)) {
      if (name.endsWith('.test.ts')) found.push(join(folder, name));
    }
  }
  return found.toSorted();
}

/** Where the compiler puts a test: src/a/b.test.ts becomes dist/a/b.test.js. */
export function compiledTest(source: string): string {
  const match = /^(.*)\/src\/(.+)\.test\.ts$/.exec(source);
  if (match !== null) return `${match[1] ?? ''}/dist/${match[2] ?? ''}.test.js`;
  throw new AtollError('INVALID_ARGUMENT', `cannot test ${source}: it is no src/**/*.test.ts`);
}

async function namesBelow(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function runTests(
  files: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly failed: number; readonly skipped: readonly Skipped[] }> {
  let failed = 0;
  const skipped: Skipped[] = [];
  const events = run({ files: [...files], concurrency, signal, timeout: fileTimeoutMs });
  events.on('test:fail', () => (failed += 1));
  events.on('test:pass', ({ name, skip, file }) => {
    if (skip === undefined || skip === false) return;
    const where = file === undefined ? '' : ` (${relative(process.cwd(), file)})`;
    skipped.push({ name: `${name}${where}`, reason: typeof skip === 'string' ? skip : 'no reason is given' });
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout);
  await new Promise<void>((done, fail) => report.on('end', done).on('error', fail));
  return { failed, skipped };
}

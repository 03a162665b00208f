import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, posix, relative } from 'node:path';
import { AtollError, errnoOf } from '@atoll/base/error';
import type { Machine } from '../part.js';
import { runTool } from '../tool.js';

const generated = 'packages/proto/src/generated';
/** The compiled contract that servers reflect on. */
const descriptor = 'packages/proto/descriptor.binpb';
/** The contract as it was last released; what breaks its users is refused. */
const released = 'proto/image.binpb';

/** `npm run gen`: TypeScript and the descriptor from proto/; with --check it writes nothing and names what is out of date. */
export async function gen(args: readonly string[], machine: Machine): Promise<number> {
  const buf = join(machine.repository, 'node_modules/.bin/buf');
  const PATH = [join(machine.repository, 'node_modules/.bin'), machine.env['PATH'] ?? ''].join(delimiter);
  const run = (...bufArgs: string[]): Promise<string> =>
    runTool(buf, bufArgs, { env: { ...machine.env, PATH }, cwd: machine.repository, signal: machine.signal });
  if (!args.includes('--check')) {
    await run('generate');
    await useOwnWire(join(machine.repository, generated));
    await run('build', '-o', descriptor);
    return 0;
  }
  await run('lint');
  await run('breaking', '--against', released);
  const folder = await mkdtemp(join(tmpdir(), 'atoll-gen-'));
  try {
    await run('generate', '-o', folder);
    await useOwnWire(join(folder, generated));
    await run('build', '-o', join(folder, 'descriptor.binpb'));
    const stale = [
      ...(await differingFiles(join(machine.repository, generated), join(folder, generated))).map((name) =>
        join(generated, name),
      ),
      ...((await sameBytes(join(machine.repository, descriptor), join(folder, 'descriptor.binpb')))
        ? []
        : [descriptor]),
    ];
    if (stale.length === 0) return 0;
    throw new AtollError(
      'FAILED_PRECONDITION',
      `cannot go on: ${stale.join(', ')} out of date with proto/; npm run gen`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has generated code read and write by wire.ts beside it, not by the library's entry: see there. ts-proto cannot be told. */
async function useOwnWire(folder: string): Promise<void> {
  for (const name of await filesBelow(folder)) {
    const wire = posix.relative(posix.dirname(name), '../wire.js');
    const text = await readFile(join(folder, name), 'utf8');
    await writeFile(join(folder, name), text.replace('"@bufbuild/protobuf/wire"', `"${wire}"`));
  }
}

/** Names, relative to both folders and sorted, of the files that only one has or that differ. */
export async function differingFiles(left: string, right: string): Promise<readonly string[]> {
  const names = new Set([...(await filesBelow(left)), ...(await filesBelow(right))]);
  const differing: string[] = [];
  for (const name of [...names].toSorted()) {
    if (!(await sameBytes(join(left, name), join(right, name)))) differing.push(name);
  }
  return differing;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

async function sameBytes(left: string, right: string): Promise<boolean> {
  try {
    return (await readFile(left)).equals(await readFile(right));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

import { join } from 'node:path';
import type { Machine } from '../part.js';
import { runChild } from '../run-child.js';
import { setUp } from '../setup.js';
import { partsForStart } from './start.js';

/** `npm run bench`: set-up, then `atoll bench` with the same arguments. */
export async function bench(args: readonly string[], machine: Machine): Promise<number> {
  await setUp(partsForStart(false), machine);
  const atoll = join(machine.repository, 'cli/bin/atoll.js');
  return runChild(process.execPath, ['--enable-source-maps', atoll, 'bench', ...args], {
    cwd: machine.repository,
    env: machine.env,
    signal: machine.signal,
  });
}

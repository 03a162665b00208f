import { join } from 'node:path';
import type { Machine } from '../part.js';
import { runChild } from '../run-child.js';
import { setUp } from '../setup.js';

/** `npm run bench -- NAME`: brings what models run on and the photos that nets are trained on, then is `atoll bench NAME`. */
export async function bench(args: readonly string[], machine: Machine): Promise<number> {
  // Standard output is for the figures alone.
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  await setUp(['litert', 'tflite', 'cifar'], { ...machine, say });
  return runChild(process.execPath, [join(machine.repository, 'cli/bin/atoll.js'), 'bench', ...args], {
    cwd: machine.repository,
    env: machine.env,
    signal: machine.signal,
  });
}

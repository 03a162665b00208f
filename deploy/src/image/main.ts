import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachePaths } from '@atoll/base/cache';
import { reasonOf } from '@atoll/base/error';
import { assemble } from './assemble.js';

const [service, out] = process.argv.slice(2);
if (service === undefined || out === undefined) {
  process.stderr.write('usage: node deploy/dist/image/main.js SERVICE FOLDER\n');
  process.exitCode = 2;
} else {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const warn = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    await assemble({ root, service, out: resolve(out), cache: cachePaths(process.env), warn });
  } catch (error) {
    warn(reasonOf(error));
    process.exitCode = 1;
  }
}

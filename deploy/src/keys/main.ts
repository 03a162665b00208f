import { reasonOf } from '@atoll/base/error';
import { makeKeys } from './make-keys.js';

const [folder, ...nodeIds] = process.argv.slice(2);
if (folder === undefined || nodeIds.length === 0) {
  process.stderr.write('usage: node deploy/dist/keys/main.js FOLDER NODE-ID…\n');
  process.exitCode = 2;
} else {
  try {
    await makeKeys(folder, nodeIds);
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
  }
}

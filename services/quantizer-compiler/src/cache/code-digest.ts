import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sha256 } from '@atoll/base/digest';

/**
 * Digest of the built code that results depend on: this service, the packages that read, write, plan, decode and run, and the
 * exact versions of their libraries. It changes with every build that may give other results, so that nobody has to remember
 * to raise a number.
 */
export async function codeDigest(): Promise<Sha256> {
  const folders = [
    dirname(import.meta.dirname),
    ...[
      // Which versions of the native libraries run the models.
      import.meta.resolve('@atoll/base/cache'),
      import.meta.resolve('@atoll/tflite/model'),
      import.meta.resolve('@atoll/edgetpu/plan'),
      import.meta.resolve('@atoll/image/decode'),
      import.meta.resolve('@atoll/runtime/open'),
      import.meta.resolve('@atoll/charts/draw'),
    ].map((url) => dirname(fileURLToPath(url))),
  ];
  const hash = createHash('sha256').update(process.version);
  for (const folder of folders) {
    hash.update(await readFile(join(folder, '..', 'package.json')));
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if (name.endsWith('.js') && !name.endsWith('.test.js'))
        hash.update(name).update(await readFile(join(folder, name)));
    }
  }
  return hash.digest('hex');
}

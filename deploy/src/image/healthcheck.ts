// node healthcheck.js ADDRESS: exit code 0 when the server there says SERVING within 3 s. For the HEALTHCHECK of images.
import { reasonOf } from '@atoll/base/error';
import { checkServing } from '@atoll/rpc/check-serving';

try {
  await checkServing(process.argv[2] ?? '', 3_000);
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
}

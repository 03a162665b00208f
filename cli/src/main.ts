import { errnoOf, reasonOf } from '@atoll/base/error';
import { runCli } from './run-cli.js';

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  });
}
process.stdout.on('error', (error) => {
  // A reader that went away, as `| head` does, is no fault of ours; a result that reached nobody otherwise is one.
  if (errnoOf(error) === 'EPIPE') process.exit(0);
  process.stderr.write(`atoll: cannot write to standard output: ${reasonOf(error)}\n`);
  process.exit(1);
});
process.stderr.on('error', () => undefined);

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stderr.isTTY ? process.stderr.columns : undefined,
  signal: controller.signal,
});

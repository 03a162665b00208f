/** `npm start`: the main job from photos to a fleet that swaps, judges and reverts. */
import { errnoOf, reasonOf } from '@atoll/base/error';
import { runDemo } from './run-demo.js';

const controller = new AbortController();
const abort = (): void => {
  if (controller.signal.aborted) process.exit(130);
  controller.abort();
};
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, abort);
// Whoever started this as a child with a channel may go away without a signal.
process.on('disconnect', () => controller.abort());
process.stdout.on('error', (error) => {
  if (errnoOf(error) === 'EPIPE') process.exit(0);
  process.stderr.write(`atoll: cannot write to standard output: ${reasonOf(error)}\n`);
  process.exit(1);
});

process.exitCode = await runDemo(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  signal: controller.signal,
});
if (process.connected) process.disconnect();

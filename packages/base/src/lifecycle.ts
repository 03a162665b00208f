import { reasonOf } from './error.js';

/** What every service's start() gives: where it listens, and how it ends. */
export interface Running {
  /** The address that others dial: host:port, or unix:PATH. */
  readonly address: string;
  /** Drains and ends; safe to call twice. */
  stop(): Promise<void>;
}

/** Resolves with the first of SIGINT or SIGTERM; a second signal ends the process at once. */
export function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/**
 * The body of every main.ts: starts the service, says `{"ready":true,"address":…}` on standard output for whoever
 * supervises it, waits for a signal (or for the supervisor's end of standard input to close when `followStdin`), and stops it.
 * A service that cannot start gets one line and exit code 1; one whose supervisor goes away while it starts, as it may for as
 * long as it waits for others, ends at once with the same code.
 */
export async function run(start: () => Promise<Running>, followStdin = false): Promise<void> {
  let starting = true;
  const orphaned = new Promise<void>((resolve) => {
    if (!followStdin) return;
    process.stdin.on('end', resolve).on('error', resolve).resume();
  });
  void orphaned.then(() => {
    if (starting) process.exit(1);
  });
  let running: Running;
  try {
    running = await start();
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 1;
    process.stdin.destroy();
    return;
  }
  starting = false;
  // Before the word goes out: whoever reads it may send the signal at once.
  const signalled = waitForSignal();
  process.stdout.write(`${JSON.stringify({ ready: true, address: running.address })}\n`);
  await Promise.race([signalled, orphaned]);
  process.stdin.destroy();
  await running.stop();
}

import type { Env } from '@atoll/base/env';

/** What the command line has of the machine that it runs on; only main.ts makes one. */
export interface Machine {
  readonly env: Env;
  /** Standard output: results only. */
  readonly out: (text: string) => void;
  /** Standard error: progress and the line of a failure. */
  readonly err: (text: string) => void;
  /** Columns of the terminal behind standard error; undefined when it is none. */
  readonly columns: number | undefined;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
}

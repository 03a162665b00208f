import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Env } from '@atoll/base/env';
import { AtollError, reasonOf } from '@atoll/base/error';

const keptOutputBytes = 65_536;

/** How a tool runs: where, with which environment, until when. */
export interface ToolOptions {
  readonly env: Env;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** The first of `names` that is an executable file on PATH, as a full path. */
export async function findTool(names: readonly string[], env: Env): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of (env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && (await isExecutable(path))) return path;
    }
  }
  return undefined;
}

/** True for a file that this user may execute. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Runs a tool to its end and gives its standard output (the last 64 KiB). A failure is one line: the last that the
 * tool wrote. Cancelling sends SIGINT and waits for the end, so that the tool puts away its own children and files.
 */
export async function runTool(command: string, args: readonly string[], options: ToolOptions): Promise<string> {
  options.signal.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal,
    killSignal: 'SIGINT',
  });
  const output = tail();
  const faults = tail();
  child.stdout.on('data', output.add);
  child.stderr.on('data', faults.add);
  let fault: unknown;
  child.on('error', (error) => (fault = error));
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  options.signal.throwIfAborted();
  if (fault !== undefined) {
    throw new AtollError('UNAVAILABLE', `cannot run ${command}: ${reasonOf(fault)}`, { cause: fault });
  }
  if (code === 0) return output.text();
  throw new AtollError('UNAVAILABLE', `cannot run ${command} ${args[0] ?? ''}: ${lastLine(faults.text(), code)}`);
}

function lastLine(text: string, code: number | null): string {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^npm (notice|error A complete log)/.test(line));
  return lines.at(-1)?.trim().slice(0, 300) ?? `it ended with code ${String(code)} and said nothing`;
}

function tail(): { add: (chunk: Buffer) => void; text: () => string } {
  let kept = Buffer.alloc(0);
  return {
    add: (chunk) => {
      kept = Buffer.concat([kept, chunk]).subarray(-keptOutputBytes);
    },
    text: () => kept.toString('utf8'),
  };
}

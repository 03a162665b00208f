import { join, resolve } from 'node:path';
import { createLogger, type Logger, logLevels, silentLogger } from '@atoll/base/log';
import type { Machine } from './machine.js';
import { createProgress, type Progress } from './progress.js';

/** The options that every verb takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly server?: string;
  readonly quiet?: boolean;
  readonly dataDir?: string;
}

/** What a verb works with. */
export interface Context extends Machine {
  readonly json: boolean;
  /** `--server`, as given. */
  readonly server: string | undefined;
  /** `--data-dir`, else ATOLL_DATA_DIR, else .atoll; absolute. */
  readonly dataDir: string;
  readonly progress: Progress;
  /** Where a service inside this process logs to: nowhere unless ATOLL_LOG asks for it. */
  readonly log: Logger;
  /** The verb's result, once: the document with --json, else the text. */
  readonly result: (document: unknown, text: string) => void;
}

/** Builds what a verb works with. */
export function createContext(machine: Machine, options: GlobalOptions): Context {
  const json = options.json === true;
  const level = logLevels.find((candidate) => candidate === machine.env['ATOLL_LOG']);
  return {
    ...machine,
    json,
    server: options.server,
    dataDir: resolve(options.dataDir ?? machine.env['ATOLL_DATA_DIR'] ?? '.atoll'),
    progress: createProgress({
      write: options.quiet === true ? () => undefined : machine.err,
      columns: machine.columns,
      nowMs: () => performance.now(),
    }),
    log: level === undefined ? silentLogger : createLogger({ service: 'atoll', level, write: machine.err }),
    result: (document, text) => {
      if (json) machine.out(`${JSON.stringify(document, plainNumbers)}\n`);
      else if (text !== '') machine.out(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}

/** The path of a file in the data directory's keys. */
export function keyPath(dataDir: string, name: string): string {
  return join(dataDir, 'keys', name);
}

function plainNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

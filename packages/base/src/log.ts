/** Log levels, least urgent first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** One of the log levels. */
export type LogLevel = (typeof logLevels)[number];

/** Fields of a log line; an Error under `error` is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger that writes one JSON document a line: {time, level, service, message, ...fields}. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with more fields on every line. */
  with(fields: LogFields): Logger;
}

/** What a logger needs: where lines go and who speaks. */
export interface LoggerOptions {
  readonly service: string;
  readonly level?: LogLevel;
  readonly write?: (line: string) => void;
  readonly nowMs?: () => number;
}

/** Builds a logger; lines go to standard error unless told otherwise. Bigints are written as decimal strings. */
export function createLogger(options: LoggerOptions): Logger {
  const least = logLevels.indexOf(options.level ?? 'info');
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const nowMs = options.nowMs ?? Date.now;
  const build = (bound: LogFields): Logger => {
    const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (logLevels.indexOf(level) < least) return;
      const time = new Date(nowMs()).toISOString();
      write(`${JSON.stringify({ time, level, service: options.service, message, ...bound, ...fields }, plain)}\n`);
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: (fields) => build({ ...bound, ...fields }),
    };
  };
  return build({});
}

/** A logger that writes nothing: for tools that speak to a person instead. */
export const silentLogger: Logger = createLogger({ service: 'silent', level: 'error', write: () => undefined });

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) {
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  }
  return value;
}

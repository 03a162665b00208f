import { AtollError, reasonOf } from './error.js';
import { nearestName } from './nearest.js';

/** The environment as given to main.ts; no other file reads process.env. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Strict readers over one service's environment. Each reader notes its fault and returns a stand-in; `done`
 * throws one INVALID_ARGUMENT that lists EVERY fault, unknown names under the service's prefix included.
 */
export class EnvReader {
  readonly #env: Env;
  readonly #prefix: string;
  readonly #known = new Set<string>();
  readonly #faults: string[] = [];

  /** `prefix` is the service's own, for example "ATOLL_TRAINER_". */
  constructor(env: Env, prefix: string) {
    this.#env = env;
    this.#prefix = prefix;
  }

  /** A text; required when no fallback is given. */
  text(name: string, fallback?: string): string {
    const raw = this.#raw(name);
    if (raw !== undefined) return raw;
    if (fallback === undefined) this.#faults.push(`${name} is not set`);
    return fallback ?? '';
  }

  /** A text that may be absent. */
  optionalText(name: string): string | undefined {
    return this.#raw(name);
  }

  /** A whole number within [min, max]. */
  integer(name: string, fallback: number, min: number, max: number): number {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const value = /^-?\d+$/.test(raw) ? Number(raw) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#faults.push(`${name}=${JSON.stringify(raw)} is not a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** One of a closed set of words. */
  choice<const T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const found = choices.find((choice) => choice === raw);
    if (found !== undefined) return found;
    this.#faults.push(`${name}=${JSON.stringify(raw)} is not one of ${choices.join(', ')}`);
    return fallback;
  }

  /** A number from 0 to 1. */
  fraction(name: string, fallback: number): number {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const value = /^\d*\.?\d+$/.test(raw) ? Number(raw) : Number.NaN;
    if (value >= 0 && value <= 1) return value;
    this.#faults.push(`${name}=${JSON.stringify(raw)} is not a number from 0 to 1`);
    return fallback;
  }

  /** An http or https address that may be absent. */
  httpAddress(name: string): string | undefined {
    const raw = this.#raw(name);
    if (raw === undefined) return undefined;
    if (URL.canParse(raw) && /^https?:$/.test(new URL(raw).protocol)) return raw;
    this.#faults.push(`${name}=${JSON.stringify(raw)} is not an http or https address`);
    return undefined;
  }

  /** Pairs written as "NAME=VALUE,NAME=VALUE", in order; none when it is not set. */
  pairs(name: string): readonly (readonly [name: string, value: string])[] {
    const raw = this.#raw(name);
    return (raw === undefined ? [] : raw.split(',')).map((part) => {
      const cut = part.indexOf('=');
      const [key, value] = [part.slice(0, cut).trim(), part.slice(cut + 1).trim()];
      if (cut < 1 || value === '') this.#faults.push(`${name} has ${JSON.stringify(part)}, not NAME=VALUE`);
      return [key, value] as const;
    });
  }

  /** What `read` makes of the text; its error is the fault. */
  parsed<T>(name: string, fallback: T, read: (text: string) => T): T {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    try {
      return read(raw);
    } catch (error) {
      this.#faults.push(`${name}=${JSON.stringify(raw)}: ${reasonOf(error)}`);
      return fallback;
    }
  }

  /** Throws when any reader found a fault or the prefix has a name that no reader asked for. */
  done(): void {
    const known = [...this.#known];
    for (const name of Object.keys(this.#env)) {
      if (!name.startsWith(this.#prefix) || this.#known.has(name)) continue;
      const near = nearestName(name, known);
      this.#faults.push(`${name} is not known${near === undefined ? '' : `; did you mean ${near}?`}`);
    }
    if (this.#faults.length > 0) {
      throw new AtollError('INVALID_ARGUMENT', `cannot read the configuration: ${this.#faults.join('; ')}`);
    }
  }

  #raw(name: string): string | undefined {
    this.#known.add(name);
    const raw = this.#env[name];
    return raw === undefined || raw === '' ? undefined : raw;
  }
}

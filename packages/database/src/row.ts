import { AtollError } from '@atoll/base/error';

/** A row whose columns are read by type; a column that is missing or of another type is INTERNAL, for then schema and code disagree. */
export class Row {
  readonly #columns: Readonly<Record<string, unknown>>;

  constructor(columns: unknown) {
    this.#columns = typeof columns === 'object' && columns !== null ? { ...columns } : {};
  }

  /** A TEXT column. */
  text(name: string): string {
    const value = this.#columns[name];
    if (typeof value !== 'string') throw mismatch(name, 'text');
    return value;
  }

  /** An INTEGER column, exact. */
  integer(name: string): bigint {
    const value = this.#columns[name];
    if (typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
    throw mismatch(name, 'an integer');
  }

  /** An INTEGER column that is a safe number. */
  number(name: string): number {
    const value = Number(this.integer(name));
    if (!Number.isSafeInteger(value)) throw mismatch(name, 'a safe integer');
    return value;
  }

  /** A BLOB column. */
  bytes(name: string): Buffer {
    const value = this.#columns[name];
    if (!(value instanceof Uint8Array)) throw mismatch(name, 'bytes');
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  /** True for NULL. */
  isNull(name: string): boolean {
    return this.#columns[name] === null;
  }
}

function mismatch(name: string, wanted: string): AtollError {
  return new AtollError('INTERNAL', `cannot read the database: column ${name} is not ${wanted}`);
}

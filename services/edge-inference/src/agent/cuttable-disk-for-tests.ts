import type { JournalDisk } from './journal.js';

/** The power goes. */
export class PowerCut extends Error {}

/** A disk in memory that keeps what was synced, loses what was not, and stops at a given operation. */
export class CuttableDisk implements JournalDisk {
  /** What a restart finds. */
  readonly durable = new Map<string, string>();
  readonly #cached = new Map<string, string>();
  readonly #renames: [string, string][] = [];
  #left: number;
  operations = 0;

  constructor(operationsBeforeCut: number) {
    this.#left = operationsBeforeCut;
  }

  allow(operations: number): void {
    this.#left = operations;
    this.#cached.clear();
    this.#renames.length = 0;
    for (const [path, text] of this.durable) this.#cached.set(path, text);
  }

  read(path: string): string | undefined {
    return this.durable.get(path);
  }

  write(path: string, text: string): void {
    // A cut within a write leaves a part of it.
    if (this.#left === 0) this.durable.set(path, text.slice(0, text.length / 2));
    this.#spend();
    this.#cached.set(path, text);
  }

  sync(path: string): void {
    this.#spend();
    this.durable.set(path, this.#cached.get(path) ?? '');
  }

  rename(from: string, to: string): void {
    this.#spend();
    this.#cached.set(to, this.#cached.get(from) ?? '');
    this.#renames.push([from, to]);
  }

  syncFolder(): void {
    this.#spend();
    for (const [from, to] of this.#renames.splice(0)) {
      this.durable.set(to, this.durable.get(from) ?? '');
      this.durable.delete(from);
    }
  }

  #spend(): void {
    if (this.#left === 0) throw new PowerCut();
    this.#left--;
    this.operations++;
  }
}

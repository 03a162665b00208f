/** Gives every value a name of its own, however many ask for the same. */
export class UniqueNames {
  readonly #taken = new Set<string>();
  /** The number to try next after a name, so that a thousand equal names do not each try a thousand. */
  readonly #next = new Map<string, number>();

  /** The name itself, or the name with the least number after it that is free. */
  take(wanted: string): string {
    let name = wanted;
    let count = this.#next.get(wanted) ?? 1;
    for (; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#next.set(wanted, count);
    this.#taken.add(name);
    return name;
  }

  /** Makes a name free again. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

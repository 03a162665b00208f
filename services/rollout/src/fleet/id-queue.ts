/** Ids in the order in which they came, each once; every operation takes the same time however many there are. */
export class IdQueue {
  readonly #waiting = new Set<string>();
  #order: string[] = [];
  #first = 0;

  get size(): number {
    return this.#waiting.size;
  }

  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  add(id: string): void {
    if (this.#waiting.has(id)) return;
    this.#waiting.add(id);
    this.#order.push(id);
  }

  /** Takes the first id that `may` be taken; the others before it stay. */
  take(may: (id: string) => boolean): string | undefined {
    const passed: string[] = [];
    let taken: string | undefined;
    while (taken === undefined && this.#first < this.#order.length) {
      const id = this.#order[this.#first++] ?? '';
      if (may(id)) taken = id;
      else passed.push(id);
    }
    for (const id of passed.toReversed()) this.#order[--this.#first] = id;
    if (taken !== undefined) this.#waiting.delete(taken);
    if (this.#first > 1_000 && this.#first * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }
}

interface Named<V> {
  readonly name: string;
  readonly value: V;
  before: Named<V>;
  after: Named<V>;
}

/** Values by name that take turns: every operation takes the same time however many there are. */
export class Ring<V> {
  readonly #byName = new Map<string, Named<V>>();
  #turn: Named<V> | undefined;

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): V | undefined {
    return this.#byName.get(name)?.value;
  }

  /** The value of that name; a new one has its turn after all others. */
  getOrAdd(name: string, create: () => V): V {
    const known = this.#byName.get(name);
    if (known !== undefined) return known.value;
    const value = create();
    const entry = { name, value } as Named<V>;
    const first = this.#turn ?? entry;
    const last = this.#turn?.before ?? entry;
    entry.after = first;
    entry.before = last;
    last.after = entry;
    first.before = entry;
    this.#turn = first;
    this.#byName.set(name, entry);
    return value;
  }

  delete(name: string): void {
    const entry = this.#byName.get(name);
    if (entry === undefined) return;
    this.#byName.delete(name);
    entry.before.after = entry.after;
    entry.after.before = entry.before;
    if (this.#turn === entry) this.#turn = entry.after === entry ? undefined : entry.after;
  }

  /** Whose turn it is; the turn goes on to the one after it. */
  next(): V | undefined {
    const entry = this.#turn;
    this.#turn = entry?.after;
    return entry?.value;
  }

  /** Whose turn comes after everybody else's. */
  last(): V | undefined {
    return this.#turn?.before.value;
  }
}

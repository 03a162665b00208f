/*
 * Who waits for one model, and who is next. More urgent levels come first, but a level that was passed over `patience` times is
 * served, so no level waits for ever. Inside a level clients take turns, and inside a client its flows do. When the line is full
 * a newcomer takes the place of the client that has the most waiting: with k clients each has at least limit / k places,
 * whatever the others do, and a client alone has them all. No step takes longer the more requests wait.
 */
import { levelOf, lowestPriority } from './caller.js';
import { Ring } from './ring.js';

/** What the line looks at. */
export interface InLine {
  readonly client: string;
  readonly flow: string;
  readonly priority: number;
}

/** See the head of the file. */
export interface WaitingLine<T extends InLine> {
  readonly size: number;
  /** How many of those that wait would be served before a newcomer like this, if nobody else came. */
  ahead(newcomer: InLine): number;
  /** Takes the newcomer in; gives who had to leave for it: another, the newcomer itself, or nobody. */
  push(item: T): T | undefined;
  /** Takes out who is next. */
  shift(): T | undefined;
  /** Takes out one that waits; false when it does not. */
  remove(item: T): boolean;
}

interface Flow<T> {
  readonly name: string;
  readonly items: Set<T>;
}

/** A client's requests of one level. */
interface Turn<T> {
  readonly client: string;
  readonly flows: Ring<Flow<T>>;
  size: number;
}

/** One level: clients in turn. */
interface Level<T> {
  readonly turns: Ring<Turn<T>>;
  size: number;
  /** How often others were served while somebody waited here. */
  passed: number;
}

/** Turns of more urgent requests that a level lets pass. */
const patience = 16;

/** An empty line with places for `limit`. */
export function createWaitingLine<T extends InLine>(limit: number): WaitingLine<T> {
  const levels = Array.from({ length: lowestPriority }, (): Level<T> => ({ turns: new Ring(), size: 0, passed: 0 }));
  /** How many each client has waiting, and the clients by that number: the longest is found at once. */
  const counts = new Map<string, number>();
  const byCount: (Set<string> | undefined)[] = [];
  let longest = 0;
  let size = 0;

  const at = (priority: number): Level<T> => levels[levelOf(priority) - 1] as Level<T>;

  const count = (client: string, by: 1 | -1): void => {
    const before = counts.get(client) ?? 0;
    const after = before + by;
    byCount[before]?.delete(client);
    if (after === 0) counts.delete(client);
    else {
      counts.set(client, after);
      (byCount[after] ??= new Set()).add(client);
    }
    if (after > longest) longest = after;
    else if (before === longest && (byCount[before]?.size ?? 0) === 0) longest = after;
    size += by;
  };

  const take = (item: T): boolean => {
    const level = at(item.priority);
    const turn = level.turns.get(item.client);
    const flow = turn?.flows.get(item.flow);
    if (turn === undefined || flow?.items.delete(item) !== true) return false;
    if (flow.items.size === 0) turn.flows.delete(item.flow);
    if (--turn.size === 0) level.turns.delete(item.client);
    if (--level.size === 0) level.passed = 0;
    count(item.client, -1);
    return true;
  };

  const put = (item: T): void => {
    const level = at(item.priority);
    const turn = level.turns.getOrAdd(item.client, () => ({ client: item.client, flows: new Ring(), size: 0 }));
    turn.flows.getOrAdd(item.flow, () => ({ name: item.flow, items: new Set() })).items.add(item);
    turn.size++;
    level.size++;
    count(item.client, 1);
  };

  /** The longest client's least urgent request: the first of its flow that is served last. */
  const victimOf = (client: string): T | undefined => {
    for (let i = levels.length - 1; i >= 0; i--) {
      const [victim] = levels[i]?.turns.get(client)?.flows.last()?.items ?? [];
      if (victim !== undefined) return victim;
    }
    return undefined;
  };

  const next = (): Level<T> | undefined => {
    let first: Level<T> | undefined;
    for (const level of levels) {
      if (level.size > 0 && level.passed >= patience) return level;
      if (level.size > 0) first ??= level;
    }
    return first;
  };

  return {
    get size() {
      return size;
    },
    ahead({ client, priority }) {
      const own = levelOf(priority) - 1;
      let before = 0;
      for (let i = 0; i < own; i++) before += levels[i]?.size ?? 0;
      const level = levels[own] as Level<T>;
      const mine = level.turns.get(client)?.size ?? 0;
      // In its level every client has as many turns before it as it has itself.
      return before + Math.min(level.size, mine + (mine + 1) * level.turns.size);
    },
    push(item) {
      if (size < limit) {
        put(item);
        return undefined;
      }
      const mine = counts.get(item.client) ?? 0;
      const [client] = mine + 1 >= longest ? [item.client] : (byCount[longest] ?? []);
      const victim = client === undefined ? undefined : victimOf(client);
      if (victim === undefined || (client === item.client && levelOf(victim.priority) <= levelOf(item.priority)))
        return item;
      take(victim);
      put(item);
      return victim;
    },
    shift() {
      const level = next();
      const [item] = level?.turns.next()?.flows.next()?.items ?? [];
      if (level === undefined || item === undefined) return undefined;
      take(item);
      level.passed = 0;
      for (const other of levels) if (other !== level && other.size > 0) other.passed++;
      return item;
    },
    remove: take,
  };
}

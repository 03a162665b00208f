/*
 * Keeps what is loaded under the node's memory budget: carries out what room.ts decides. With a budget, loads of the whole node
 * happen one after the other, because each decides from what the one before has left.
 */
import type { Entry, Model } from './model-state.js';
import type { Occupant } from './room.js';
import { roomFor } from './room.js';
import type { SwapPolicy } from './state.js';
import { createTurns } from './turns.js';

/** What the budget said, and what became of the task that asked for room. */
export type WithRoom<T> =
  { readonly kind: 'done'; readonly result: T } | { readonly kind: 'none'; readonly reason: string };

/** See the head of the file. */
export interface Memory {
  /** Bytes of what is loaded, in all slots. */
  readonly usedBytes: number;
  /** 0 = no bound. */
  readonly budgetBytes: number;
  /**
   * Makes room for a version that needs `comingBytes` in each slot and comes instead of `leaving`, and does the task there.
   * It is called within the model's own turn.
   */
  withRoom<T>(
    model: Model,
    comingBytes: number,
    leaving: readonly Entry[],
    task: (policy: SwapPolicy) => Promise<T>,
  ): Promise<WithRoom<T>>;
}

/** What it works with. */
export interface MemoryDeps {
  readonly budgetBytes: number;
  /** Every model is loaded in each. */
  readonly slots: number;
  readonly models: ReadonlyMap<string, Model>;
  /** Models that never leave for others. */
  readonly pinned: ReadonlySet<string>;
  /** Unloads the model's only version, in the model's own turn; it stays known. */
  readonly rest: (model: Model) => Promise<void>;
}

/** See the head of the file. */
export function createMemory({ budgetBytes, slots, models, pinned, rest }: MemoryDeps): Memory {
  const turns = createTurns();
  const bytesOf = (entries: readonly Entry[]): number =>
    entries.reduce((sum, { needs }) => sum + needs.memoryBytes * slots, 0);
  const occupants = (model: Model, leaving: readonly Entry[]): Occupant[] => {
    const occupied: Occupant[] = [];
    for (const { name, entries, lastUse, turns: changes, canary, shadow, trials } of models.values()) {
      const own = name === model.name;
      const staying = own ? entries.filter((entry) => !leaving.includes(entry)) : entries;
      if (staying.length === 0) continue;
      // A change that is under way holds its own turn and may wait for this very room: it is never waited for.
      const held = changes.busy || canary !== undefined || shadow !== undefined || trials.length > 0;
      occupied.push({ name, bytes: bytesOf(staying), lastUse, pinned: own || held || pinned.has(name) });
    }
    return occupied;
  };

  return {
    budgetBytes,
    get usedBytes() {
      return bytesOf([...models.values()].flatMap(({ entries }) => entries));
    },
    async withRoom(model, comingBytes, leaving, task) {
      const within = async () => {
        const room = roomFor({
          budgetBytes,
          comingBytes: comingBytes * slots,
          replacedBytes: bytesOf(leaving),
          others: budgetBytes === 0 ? [] : occupants(model, leaving),
        });
        if (room.kind === 'none') return room;
        // All turns are taken at once, while they are free: one that is taken later may be waiting for this room.
        await Promise.all(room.evict.flatMap((name) => models.get(name) ?? []).map((m) => m.turns.take(() => rest(m))));
        return { kind: 'done', result: await task(room.policy) } as const;
      };
      return budgetBytes === 0 ? await within() : await turns.take(within);
    },
  };
}

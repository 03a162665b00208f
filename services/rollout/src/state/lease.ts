/**
 * Who leads, when several controllers share one database: one row names the holder, its epoch and when it expires. Whoever
 * takes the lease raises the epoch, and every transaction of a leader first finds its own epoch in the row: a controller that
 * stood still while another took over can write nothing, however late it wakes. An expired lease that nobody took is the
 * holder's still, and is renewed with its next write.
 */
import { AtollError } from '@atoll/base/error';
import type { Clock } from '@atoll/base/clock';
import type { Database } from '@atoll/database/database';
import type { DurableStores } from './stores.js';

/** The row. */
export interface LeaseRecord {
  readonly holder: string;
  /** Rises by one with each change of the holder. */
  readonly epoch: bigint;
  readonly expiresMs: number;
}

/** The row in the store. */
export interface LeaseStore {
  get(): LeaseRecord | undefined;
  put(record: LeaseRecord): void;
}

/** The row in a database that has the controller's schema. */
export function leaseStore(db: Database): LeaseStore {
  return {
    get: () =>
      db.first(
        (row) => ({ holder: row.text('holder'), epoch: row.integer('epoch'), expiresMs: row.number('expires_ms') }),
        'SELECT * FROM lease',
      ),
    put: ({ holder, epoch, expiresMs }) => {
      db.run('INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?)', holder, epoch, expiresMs);
    },
  };
}

/** Who wants to lead, and for how long at a time. */
export interface Candidate {
  /** Unlike that of any other process, also of one that runs later. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Stores that write for as long as their controller leads. */
export interface LeaderStores extends DurableStores {
  /** Extends the lease; UNAVAILABLE when another controller has it. */
  renew(): void;
  /** Gives the lease up, so that the next may lead at once. */
  release(): void;
  /** False once the lease ran out or went to another: then nothing may leave this controller. */
  leads(): boolean;
}

/** The stores of a leader when the lease is free, expired, or this candidate's own; undefined while another leads. */
export function takeLease(stores: DurableStores, candidate: Candidate): LeaderStores | undefined {
  const { holder, leaseMs, clock } = candidate;
  const taken = stores.transaction(() => {
    const nowMs = clock.nowMs();
    const before = stores.lease.get();
    if (before !== undefined && before.holder !== holder && nowMs < before.expiresMs) return undefined;
    const next = { holder, epoch: (before?.epoch ?? 0n) + 1n, expiresMs: nowMs + leaseMs };
    stores.lease.put(next);
    return next;
  });
  return taken === undefined ? undefined : leaderStores(stores, taken, candidate);
}

function leaderStores(stores: DurableStores, taken: LeaseRecord, { leaseMs, clock }: Candidate): LeaderStores {
  const { holder, epoch } = taken;
  let { expiresMs } = taken;
  let lost = false;
  /** Within a transaction. */
  const fence = (): LeaseRecord => {
    const current = stores.lease.get();
    if (current?.epoch === epoch) return current;
    lost = true;
    throw new AtollError('UNAVAILABLE', `cannot write: controller ${current?.holder ?? 'unknown'} leads now`);
  };
  const extend = (untilMs: number): void => {
    stores.lease.put({ holder, epoch, expiresMs: untilMs });
    expiresMs = untilMs;
  };
  return {
    ...stores,
    transaction: (work) =>
      stores.transaction(() => {
        const nowMs = clock.nowMs();
        if (nowMs >= fence().expiresMs) extend(nowMs + leaseMs);
        return work();
      }),
    renew: () =>
      stores.transaction(() => {
        fence();
        extend(clock.nowMs() + leaseMs);
      }),
    release: () =>
      stores.transaction(() => {
        fence();
        extend(0);
      }),
    leads: () => !lost && clock.nowMs() < expiresMs,
  };
}

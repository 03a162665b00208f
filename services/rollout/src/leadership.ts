/**
 * Leads while it has the lease, stands by while another has it: candidate -> leader -> candidate -> …  What a leader runs is
 * begun when the lease is taken and ended when it is lost; whatever it still tries to write by then is refused by the store.
 */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { type Candidate, type LeaderStores, takeLease } from './state/lease.js';
import type { DurableStores } from './state/stores.js';

/** What leadership is about. */
export interface LeadershipOptions {
  readonly stores: DurableStores;
  readonly candidate: Candidate;
  /** Begins to lead over these stores, unless it is aborted meanwhile; gives the way to end that. */
  readonly lead: (stores: LeaderStores, signal: AbortSignal) => Promise<() => Promise<void>>;
  readonly log: Logger;
}

/** The running candidate. */
export interface Leadership {
  /** Resolves once it leads, or has been refused for a whole lease because another does; rejects when it cannot lead. */
  readonly settled: Promise<void>;
  /** Ends what it leads and gives the lease up. */
  stop(): Promise<void>;
}

/** What a leader runs, from the moment at which it begins to start it. */
interface Term {
  readonly stores: LeaderStores;
  /** Ends what was begun. */
  end(): Promise<void>;
}

/** Tries to lead at once, then several times a lease. */
export function startLeadership({ stores, candidate, lead, log }: LeadershipOptions): Leadership {
  const { leaseMs, holder } = candidate;
  const stepMs = Math.ceil(leaseMs / 4);
  let term: Term | undefined;
  let ended = false;
  let refusals = 0;
  let timer: NodeJS.Timeout | undefined;
  let step = Promise.resolve();
  let settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  const settled = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever waits for it is told; nobody needs to.
  settled.catch(() => undefined);

  const resign = async (): Promise<void> => {
    const before = term;
    term = undefined;
    await before?.end();
  };
  const renew = async (mine: LeaderStores): Promise<void> => {
    try {
      mine.renew();
    } catch (error) {
      log.error('cannot renew the lease', { reason: reasonOf(error) });
      if (mine.leads()) return;
      log.error('this controller no longer leads', { holder });
      await resign();
    }
  };
  const begin = (mine: LeaderStores): Term => {
    const stopping = new AbortController();
    const begun = lead(mine, stopping.signal);
    const mineTerm: Term = {
      stores: mine,
      end: async () => {
        stopping.abort();
        // One that could not begin has nothing to end, and has said so.
        const end = await begun.catch(() => undefined);
        await end?.();
      },
    };
    begun.then(
      () => {
        log.info('this controller leads', { holder });
        settle?.resolve();
      },
      (error: unknown) => {
        if (!stopping.signal.aborted) log.error('cannot lead, trying again', { error });
        if (term === mineTerm) term = undefined;
        if (mine.leads()) mine.release();
        settle?.reject(error);
      },
    );
    return mineTerm;
  };
  const campaign = (): void => {
    const mine = takeLease(stores, candidate);
    if (mine !== undefined) {
      refusals = 0;
      term = begin(mine);
      return;
    }
    if (refusals++ === 0)
      log.info('another controller leads, this one stands by', { leader: stores.lease.get()?.holder });
    // As long as the lease of one that is no more may last.
    if (refusals * stepMs > leaseMs + stepMs) settle?.resolve();
  };
  const turn = async (): Promise<void> => {
    try {
      if (term === undefined) campaign();
      else await renew(term.stores);
    } catch (error) {
      log.error('cannot ask for the lease, trying again', { error });
    }
  };
  const forever = (): void => {
    step = turn().then(() => {
      if (!ended) timer = setTimeout(forever, stepMs);
    });
  };
  forever();

  return {
    settled,
    stop: async () => {
      ended = true;
      clearTimeout(timer);
      await step;
      const mine = term?.stores;
      await resign();
      if (mine?.leads() === true) mine.release();
    },
  };
}

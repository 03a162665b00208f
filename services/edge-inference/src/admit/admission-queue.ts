/*
 * Who may work on a model, and when: at most `concurrency` at once, at most `limit` waiting, first come first served. A deadline
 * that has passed is refused at the door and again at the head of the queue, so no work is done for a caller that no longer waits.
 */
import { AtollError } from '@atoll/base/error';
import type { Clock } from '@atoll/base/clock';
import type { Caller } from './caller.js';

/** Bounds of one model's queue, and the clock that it reads. */
export interface AdmissionLimits {
  readonly concurrency: number;
  readonly limit: number;
  readonly clock: Clock;
}

/** Leave to work, until released. */
export interface Ticket {
  /** How long it waited. */
  readonly queueMs: number;
  release(): void;
}

/** One model's queue. */
export interface AdmissionQueue {
  readonly waiting: number;
  /** RESOURCE_EXHAUSTED when the queue is full, DEADLINE_EXCEEDED when the deadline passed, CANCELLED when the caller went away. */
  enter(caller: Caller): Promise<Ticket>;
}

interface Waiter extends Pick<Caller, 'deadlineMs' | 'signal'> {
  readonly since: number;
  readonly admit: (ticket: Ticket) => void;
  readonly refuse: (error: AtollError) => void;
  readonly leave: () => void;
}

/** An empty queue for the model of this name. */
export function createAdmissionQueue(model: string, { concurrency, limit, clock }: AdmissionLimits): AdmissionQueue {
  const waiters = new Set<Waiter>();
  let working = 0;

  const ticket = (queueMs: number): Ticket => {
    working++;
    let released = false;
    return {
      queueMs,
      release() {
        if (released) return;
        released = true;
        working--;
        admitNext();
      },
    };
  };

  const admitNext = (): void => {
    for (const waiter of waiters) {
      if (working >= concurrency) return;
      waiters.delete(waiter);
      waiter.signal.removeEventListener('abort', waiter.leave);
      if (clock.nowMs() >= waiter.deadlineMs) waiter.refuse(tooLate(model));
      else waiter.admit(ticket(clock.monotonicMs() - waiter.since));
    }
  };

  return {
    get waiting() {
      return waiters.size;
    },
    async enter({ deadlineMs, signal }) {
      if (signal.aborted) throw wentAway(model);
      if (clock.nowMs() >= deadlineMs) throw tooLate(model);
      if (working < concurrency && waiters.size === 0) return ticket(0);
      if (waiters.size >= limit) {
        throw new AtollError('RESOURCE_EXHAUSTED', `cannot run ${model}: ${waiters.size} requests are waiting already`);
      }
      return await new Promise<Ticket>((admit, refuse) => {
        const leave = (): void => {
          waiters.delete(waiter);
          refuse(wentAway(model));
        };
        const waiter: Waiter = { deadlineMs, signal, since: clock.monotonicMs(), admit, refuse, leave };
        waiters.add(waiter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
  };
}

function tooLate(model: string): AtollError {
  return new AtollError('DEADLINE_EXCEEDED', `cannot run ${model}: the deadline passed before its turn came`);
}

function wentAway(model: string): AtollError {
  return new AtollError('CANCELLED', `cannot run ${model}: the caller went away`);
}

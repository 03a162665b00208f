/*
 * Who may work on a model, and when: at most `concurrency` at once, at most `limit` waiting in the order of waiting-line.ts. A
 * deadline that has passed, or that cannot be met, is refused at the door (door.ts), and one that passed meanwhile at the head of
 * the line, so no work is done for a caller that no longer waits. Each refusal that time heals tells when to come again.
 */
import { AtollError } from '@atoll/base/error';
import type { Clock } from '@atoll/base/clock';
import type { Caller } from './caller.js';
import { atTheDoor, waitOf } from './door.js';
import { createRunningMedian } from './running-median.js';
import { createWaitingLine } from './waiting-line.js';

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
  /**
   * RESOURCE_EXHAUSTED when the line is full, DEADLINE_EXCEEDED when the time that is left will not do, CANCELLED when the caller
   * went away.
   */
  enter(caller: Caller): Promise<Ticket>;
}

interface Waiter extends Pick<Caller, 'client' | 'flow' | 'priority' | 'deadlineMs' | 'timeoutMs' | 'signal'> {
  readonly since: number;
  readonly admit: (ticket: Ticket) => void;
  readonly refuse: (error: AtollError) => void;
  readonly leave: () => void;
}

/** An empty queue for the model of this name. */
export function createAdmissionQueue(model: string, { concurrency, limit, clock }: AdmissionLimits): AdmissionQueue {
  const line = createWaitingLine<Waiter>(limit);
  const service = createRunningMedian();
  let working = 0;

  const ticket = (queueMs: number, began: number): Ticket => {
    working++;
    let released = false;
    return {
      queueMs,
      release() {
        if (released) return;
        released = true;
        working--;
        service.add(clock.monotonicMs() - began);
        if (line.size > 0) admitNext();
      },
    };
  };

  const admitNext = (): void => {
    while (working < concurrency) {
      const waiter = line.shift();
      if (waiter === undefined) return;
      waiter.signal.removeEventListener('abort', waiter.leave);
      const now = clock.monotonicMs();
      const waitedMs = now - waiter.since;
      if (clock.nowMs() >= waiter.deadlineMs) waiter.refuse(tooLate(model, 'the deadline passed before its turn came'));
      else if (waitedMs > patienceOf(waiter))
        waiter.refuse(tooLate(model, `its turn did not come within ${patienceOf(waiter)} ms`));
      else waiter.admit(ticket(waitedMs, now));
    }
  };

  const full = (): AtollError => {
    const detail = comeAgain(waitOf(line.size, concurrency, service.value));
    return new AtollError(
      'RESOURCE_EXHAUSTED',
      `cannot run ${model}: ${line.size} requests are waiting already`,
      detail,
    );
  };

  const queued = (caller: Caller): Promise<Ticket> =>
    new Promise((admit, refuse) => {
      const leave = (): void => {
        if (line.remove(waiter)) refuse(wentAway(model));
      };
      const { client, flow, priority, deadlineMs, timeoutMs, signal } = caller;
      const since = clock.monotonicMs();
      const waiter: Waiter = { client, flow, priority, deadlineMs, timeoutMs, signal, since, admit, refuse, leave };
      const victim = line.push(waiter);
      if (victim === waiter) return refuse(full());
      caller.signal.addEventListener('abort', leave, { once: true });
      if (victim === undefined) return;
      victim.signal.removeEventListener('abort', victim.leave);
      victim.refuse(full());
    });

  return {
    get waiting() {
      return line.size;
    },
    async enter(caller) {
      if (caller.signal.aborted) throw wentAway(model);
      const remainingMs = caller.deadlineMs === Infinity ? Infinity : caller.deadlineMs - clock.nowMs();
      const patienceMs = patienceOf(caller);
      const verdict = atTheDoor({
        working,
        concurrency,
        waiting: line.size,
        ahead: line.size === 0 ? 0 : line.ahead(caller),
        serviceMs: service.value,
        remainingMs,
        patienceMs,
      });
      switch (verdict.kind) {
        case 'enter':
          return ticket(0, clock.monotonicMs());
        case 'wait':
          return await queued(caller);
        case 'late':
          throw tooLate(model, 'the deadline passed before it came');
        case 'hopeless': {
          const { estimateMs } = verdict;
          const have = `${words(Math.min(remainingMs, patienceMs))} are left`;
          const overMs = estimateMs - Math.min(remainingMs, patienceMs);
          throw tooLate(model, `${have}, and ${line.size} waiting requests make it ${words(estimateMs)}`, overMs);
        }
      }
    },
  };
}

function patienceOf({ timeoutMs }: Pick<Caller, 'timeoutMs'>): number {
  return timeoutMs ?? Infinity;
}

function words(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Whole milliseconds, one at least. */
function comeAgain(ms: number): { readonly detail: { readonly retryAfterMs: string } } {
  return { detail: { retryAfterMs: String(Math.max(1, Math.ceil(ms))) } };
}

function tooLate(model: string, why: string, retryAfterMs?: number): AtollError {
  const options = retryAfterMs === undefined ? {} : comeAgain(retryAfterMs);
  return new AtollError('DEADLINE_EXCEEDED', `cannot run ${model}: ${why}`, options);
}

function wentAway(model: string): AtollError {
  return new AtollError('CANCELLED', `cannot run ${model}: the caller went away`);
}

/*
 * What happens to a request at the door of a model's queue: it goes in, it waits, or it is refused because its time will not do.
 * The wait is estimated from who is before it and from the median time of those served last. A queue where nobody works refuses
 * nobody for an estimate: whoever goes in then brings the estimate up to date.
 */

/** What the door knows of a request and of the queue. */
export interface AtTheDoor {
  readonly working: number;
  readonly concurrency: number;
  readonly waiting: number;
  /** Waiting requests that would be served before this one. */
  readonly ahead: number;
  /** Median time that a request holds its place at work; 0 while unknown. */
  readonly serviceMs: number;
  /** Until the caller's deadline; Infinity for none. */
  readonly remainingMs: number;
  /** How long it may wait; Infinity for as long as the deadline lets it. */
  readonly patienceMs: number;
}

/** Whether there is a place, or time to wait for one; `estimateMs` is when it would be answered. */
export type DoorVerdict =
  | { readonly kind: 'enter' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'late' }
  | { readonly kind: 'hopeless'; readonly estimateMs: number };

const enter: DoorVerdict = { kind: 'enter' };
const wait: DoorVerdict = { kind: 'wait' };
const late: DoorVerdict = { kind: 'late' };

/** The verdict for one request; places and victims are the waiting line's concern. */
export function atTheDoor(door: AtTheDoor): DoorVerdict {
  if (door.remainingMs <= 0) return late;
  if (door.working === 0) return enter;
  const free = door.working < door.concurrency && door.waiting === 0;
  const waitMs = free ? 0 : waitOf(door.ahead, door.concurrency, door.serviceMs);
  if (waitMs > door.patienceMs || waitMs + door.serviceMs > door.remainingMs)
    return { kind: 'hopeless', estimateMs: waitMs + door.serviceMs };
  return free ? enter : wait;
}

/** Until a place is free for a request with `ahead` others before it: places become free every serviceMs / concurrency. */
export function waitOf(ahead: number, concurrency: number, serviceMs: number): number {
  return ((ahead + 1) * serviceMs) / concurrency;
}

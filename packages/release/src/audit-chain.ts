/**
 * The chain over what happened in a fleet: every event carries the digest of the event before it and its own, which covers
 * that digest. Whoever alters, drops or adds an event anywhere breaks the chain there, unless he makes all later digests anew;
 * a copy elsewhere of any later digest shows that. What was cut off at the end is seen by such a copy alone.
 */
import { type Sha256, sha256 } from '@atoll/base/digest';

/** Something that happened, as the chain covers it. */
export interface AuditEvent {
  /** Position in the log, from 1 without gaps. */
  readonly offset: bigint;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly actor: string;
  readonly kind: string;
  /** Empty = none. */
  readonly rollout: string;
  /** Empty = none. */
  readonly nodeId: string;
  readonly message: string;
  /** The numbers behind it, JSON; empty = none. */
  readonly evidence: string;
}

/** An event in its chain. */
export interface ChainedEvent extends AuditEvent {
  /** The digest of the event before; noEventSha256 for the first. */
  readonly prevSha256: string;
  readonly sha256: string;
}

/** What the first event names as the one before it. */
export const noEventSha256 = '0'.repeat(64);

/** The bytes that an event's digest covers: a JSON array of the digest before it and its fields, in this order. */
export function auditBytes(event: AuditEvent, prevSha256: string): Buffer {
  const { offset, timeMs, actor, kind, rollout, nodeId, message, evidence } = event;
  return Buffer.from(
    JSON.stringify([prevSha256, String(offset), timeMs, actor, kind, rollout, nodeId, message, evidence]),
    'utf8',
  );
}

/** The event with its digests, behind an event with digest `prevSha256`. */
export function chainEvent(event: AuditEvent, prevSha256: string): ChainedEvent {
  const digest: Sha256 = sha256(auditBytes(event, prevSha256));
  return { ...event, prevSha256, sha256: digest };
}

/** The first of `events` that does not follow from the one before it; `before` is the one before them, undefined at the log's beginning. */
export function firstBreak(
  events: Iterable<ChainedEvent>,
  before?: Pick<ChainedEvent, 'offset' | 'sha256'>,
): ChainedEvent | undefined {
  let { offset, sha256: prevSha256 } = before ?? { offset: 0n, sha256: noEventSha256 };
  for (const event of events) {
    if (event.offset !== offset + 1n || event.prevSha256 !== prevSha256) return event;
    if (chainEvent(event, prevSha256).sha256 !== event.sha256) return event;
    ({ offset, sha256: prevSha256 } = event);
  }
  return undefined;
}

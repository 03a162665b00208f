/*
 * Who asks, how urgently, and until when. Requests take turns by client and, inside one client, by flow: so neither a host with
 * a thousand open requests nor one of a host's many connections keeps the others waiting.
 */
import { AtollError } from '@atoll/base/error';

/** What admission knows of a request. */
export interface Caller {
  /** Milliseconds since the Unix epoch; Infinity for none. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Whom turns are shared between: the name of a token or certificate, else the host that asks. */
  readonly client: string;
  /** Whom one client's turns are shared between: its `atoll-client` header, else its connection. */
  readonly flow: string;
  /** 1 = most urgent … lowestPriority; 0 and whatever is beyond = defaultPriority, as in Triton. */
  readonly priority: number;
  /** How long it may wait for its turn (Triton's `timeout`); undefined = as long as its deadline lets it. */
  readonly timeoutMs?: number | undefined;
  /** Callers with the same key get the same version while a traffic split is in force; undefined = any. */
  readonly routeKey?: string | undefined;
  /** W3C trace context of the caller, passed on as it came. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What a request itself says of its turn. */
export type Scheduling = Pick<Caller, 'priority' | 'timeoutMs'>;

/** The least urgent level: what nobody waits for, such as a shadow's copy of a request. */
export const lowestPriority = 10;

/** The level of requests that name none. */
const defaultPriority = 5;

/**
 * Triton's request parameters `priority` and `timeout` (microseconds, 0 = none), as they came from either protocol;
 * INVALID_ARGUMENT for what is no whole number from 0.
 */
export function schedulingOf(priority: unknown, timeoutUs: unknown): Scheduling {
  const level = wholeNumber('priority', priority);
  const us = wholeNumber('timeout', timeoutUs);
  return us === 0 ? { priority: level } : { priority: level, timeoutMs: us / 1_000 };
}

/** The level that a priority stands for: 1 to lowestPriority. */
export function levelOf(priority: number): number {
  return priority >= 1 && priority <= lowestPriority ? Math.trunc(priority) : defaultPriority;
}

function wholeNumber(name: string, value: unknown): number {
  if (value === undefined) return 0;
  const number = typeof value === 'bigint' || typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && number >= 0 && Number.isInteger(number)) return number;
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `of type ${typeof value}`;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use ${name} ${typeof number === 'number' ? number : given}: it is not a whole number from 0`,
  );
}

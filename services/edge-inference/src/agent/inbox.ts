/**
 * The door for desired states: verified, for this node, in time, and newer than all before; of those the newest waits here. What
 * people should look at is kept as alarms until a newer state is taken in.
 */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { DesiredState } from '@atoll/proto/atoll/v1/release';
import type { OpenedDesired } from '@atoll/release/desired';
import { decideDesired, type SeenState } from '@atoll/release/order';
import type { NodeClock } from './clock.js';
import type { Assignment } from './decide.js';

/** What the door needs. */
export interface InboxOptions {
  readonly nodeId: string;
  /** Verifies, parses and checks a desired state, whomever it is for and however old; throws what is to be said of a wrong one. */
  readonly open: (bytes: Uint8Array) => OpenedDesired;
  /** The newest state that was taken up, undefined when none ever was. */
  readonly lastSeen: () => SeenState | undefined;
  readonly clock: Pick<NodeClock, 'judge'>;
  readonly log: Logger;
  /** A newer one waits. */
  readonly onNewer: () => void;
  /** An alarm was raised. */
  readonly onAlarm: () => void;
}

/** An accepted desired state. */
export interface Delivery {
  readonly assignment: Assignment;
  readonly payloadSha256: string;
  /** When it was signed, milliseconds since the Unix epoch. */
  readonly signedMs: number;
}

/** What the door tells people. */
export type InboxAlarm = 'EQUIVOCATION' | 'STALE_METADATA';

/** The door. */
export interface Inbox {
  deliver(bytes: Uint8Array): void;
  /** Hands the waiting one over; it leaves only when `use` returns. False when none waits. */
  take(use: (delivery: Delivery) => void): boolean;
  /** EQUIVOCATION: the newest generation came with two contents. STALE_METADATA: the newest that came was expired already. */
  alarms(): readonly InboxAlarm[];
}

/** Opens the door; what is refused is logged and changes nothing. */
export function openInbox(options: InboxOptions): Inbox {
  const { log, nodeId } = options;
  const alarms = new Set<InboxAlarm>();
  let waiting: Delivery | undefined;

  const open = (bytes: Uint8Array): OpenedDesired | undefined => {
    try {
      const opened = options.open(bytes);
      if (opened.desired.nodeId === nodeId) return opened;
      log.warn('refused a desired state', { reason: `it is for ${opened.desired.nodeId}` });
    } catch (error) {
      log.warn('refused a desired state', { reason: reasonOf(error) });
    }
    return undefined;
  };
  const raise = (alarm: InboxAlarm): void => {
    if (alarms.has(alarm)) return;
    alarms.add(alarm);
    options.onAlarm();
  };

  return {
    alarms: () => [...alarms],
    deliver: (bytes) => {
      const opened = open(bytes);
      if (opened === undefined) return;
      const { desired, payloadSha256 } = opened;
      const { generation } = desired;
      const last = waiting === undefined ? options.lastSeen() : seen(waiting);
      const verdict = decideDesired(last, { generation, payloadSha256 });
      if (verdict === 'equivocation') {
        log.error('EQUIVOCATION: two different desired states for one generation; the first one stays', { generation });
        raise('EQUIVOCATION');
      }
      if (verdict !== 'apply') return;
      const signedMs = Number(desired.createdUnixMs);
      const time = options.clock.judge(signedMs, Number(desired.expiresUnixMs));
      if (time !== 'ok') {
        const reason =
          time === 'late' ? 'it is expired' : 'the clock is suspect, and it was not signed after all before';
        log.warn('refused a desired state', { generation, reason });
        if (time === 'late') raise('STALE_METADATA');
        return;
      }
      alarms.clear();
      waiting = { assignment: assignmentOf(desired), payloadSha256, signedMs };
      options.onNewer();
    },
    take: (use) => {
      const taken = waiting;
      if (taken === undefined) return false;
      use(taken);
      waiting = undefined;
      return true;
    },
  };
}

function seen({ assignment, payloadSha256 }: Delivery): SeenState {
  return { generation: assignment.generation, payloadSha256 };
}

function assignmentOf(desired: DesiredState): Assignment {
  const { soak } = desired;
  return {
    generation: desired.generation,
    rollout: desired.rollout,
    target: { model: desired.model, version: desired.version, manifestSha256: desired.manifestSha256 },
    downgradeOk: desired.downgradeOk,
    attempt: desired.attempt,
    notBeforeMs: Number(desired.notBeforeUnixMs),
    expiresMs: Number(desired.expiresUnixMs),
    soak: {
      durationMs: soak?.durationMs ?? 0,
      minRequests: soak?.minRequests ?? 0,
      maxErrorRate: soak?.maxErrorRate ?? 1,
      maxLatencyRatio: soak?.maxLatencyRatio ?? 0,
      prepareDeadlineMs: soak?.prepareDeadlineMs ?? 0,
    },
  };
}

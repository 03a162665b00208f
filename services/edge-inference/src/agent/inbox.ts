/** The door for desired states: verified, for this node, not expired, and newer than all before; of those the newest waits here. */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { DesiredState } from '@atoll/proto/atoll/v1/release';
import { type OpenedDesired, openDesired } from '@atoll/release/desired';
import { decodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import type { PublicKeySet } from '@atoll/release/keys';
import { decideDesired, type SeenState } from '@atoll/release/order';
import type { Assignment } from './decide.js';

/** What the door needs. */
export interface InboxOptions {
  readonly nodeId: string;
  readonly directorKeys: PublicKeySet;
  /** The newest state that was taken up, undefined when none ever was. */
  readonly lastSeen: () => SeenState | undefined;
  /** Now, milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  readonly log: Logger;
  /** A newer one waits. */
  readonly onNewer: () => void;
}

/** An accepted desired state. */
export interface Delivery {
  readonly assignment: Assignment;
  readonly payloadSha256: string;
  /** When it was signed, milliseconds since the Unix epoch. */
  readonly signedMs: number;
}

/** The door. */
export interface Inbox {
  deliver(bytes: Uint8Array): void;
  /** Hands the waiting one over; it leaves only when `use` returns. False when none waits. */
  take(use: (delivery: Delivery) => void): boolean;
}

/** Opens the door; what is refused is logged and changes nothing. */
export function openInbox(options: InboxOptions): Inbox {
  let waiting: Delivery | undefined;
  const { log, nodeId } = options;

  const open = (bytes: Uint8Array): OpenedDesired | undefined => {
    try {
      const envelope = decodeEnvelope(bytes, payloadTypes.desired);
      return openDesired(envelope, options.directorKeys, nodeId, options.nowMs());
    } catch (error) {
      log.warn('refused a desired state', { reason: reasonOf(error) });
      return undefined;
    }
  };

  return {
    deliver: (bytes) => {
      const opened = open(bytes);
      if (opened === undefined) return;
      const { desired, payloadSha256 } = opened;
      const last = waiting === undefined ? options.lastSeen() : seen(waiting);
      const verdict = decideDesired(last, { generation: desired.generation, payloadSha256 });
      if (verdict === 'equivocation') {
        log.error('EQUIVOCATION: two different desired states for one generation; the first one stays', {
          generation: desired.generation,
        });
      }
      if (verdict !== 'apply') return;
      waiting = { assignment: assignmentOf(desired), payloadSha256, signedMs: Number(desired.createdUnixMs) };
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
    soak: {
      durationMs: soak?.durationMs ?? 0,
      minRequests: soak?.minRequests ?? 0,
      maxErrorRate: soak?.maxErrorRate ?? 1,
      maxLatencyRatio: soak?.maxLatencyRatio ?? 0,
      prepareDeadlineMs: soak?.prepareDeadlineMs ?? 0,
    },
  };
}

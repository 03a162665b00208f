/**
 * What is known of the nodes: their newest verified reports and when they were last heard of. Silence is judged here too,
 * because only whoever listens knows how long it has been listening.
 */
import type { Clock } from '@atoll/base/clock';
import { NodePhase as WirePhase, type StatusReport } from '@atoll/proto/atoll/v1/release';
import { decodeEnvelope, payloadTypes } from '@atoll/release/envelope';
import { isNewerStatus, openStatus } from '@atoll/release/status';
import type { FleetView, NodePhase, NodeReport, NodeView, Target } from '../decide/fleet-view.js';
import type { NodeRecord } from '../state/node-store.js';
import type { EnrolledNode } from './enrolment.js';

/** A node as the fleet keeps it. */
export interface FleetMember {
  readonly node: EnrolledNode;
  readonly report: StatusReport | undefined;
  readonly committed: Target | undefined;
  /** 0 = never. */
  readonly lastSeenMs: number;
}

/** What is known of the nodes. */
export interface Fleet {
  /** A node is alive; false when nobody enrolled it. */
  heard(nodeId: string): boolean;
  /** Takes a signed report: 'new', or 'old' when a newer one is known. Throws when it is not the node's, or malformed. */
  take(nodeId: string, bytes: Uint8Array): 'new' | 'old';
  /** The broker answers, or no longer does; true when that is new. */
  setConnected(connected: boolean): boolean;
  view(): FleetView;
  /** Sorted by id. */
  members(): readonly FleetMember[];
  get(nodeId: string): FleetMember | undefined;
  isOnline(member: FleetMember): boolean;
  /** Hands `keep` the records of nodes that reported since; they count as kept once it returns. False when there are none. */
  takeDirty(keep: (records: readonly NodeRecord[]) => void): boolean;
}

/** A fleet of enrolled nodes as they were last known. */
export function createFleet(
  enrolled: readonly EnrolledNode[],
  known: readonly NodeRecord[],
  clock: Clock,
  offlineAfterMs: number,
): Fleet {
  const records = new Map(known.map((record) => [record.nodeId, record]));
  const members = new Map<string, FleetMember>();
  for (const node of enrolled.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const { report, committed, lastSeenMs = 0 } = records.get(node.id) ?? {};
    members.set(node.id, { node, report, committed, lastSeenMs });
  }
  const dirty = new Set<string>();
  let connectedSinceMs: number | undefined;

  const isOnline = ({ lastSeenMs }: FleetMember): boolean =>
    lastSeenMs > 0 && clock.nowMs() - lastSeenMs <= offlineAfterMs;

  return {
    heard: (nodeId) => {
      const member = members.get(nodeId);
      if (member === undefined) return false;
      members.set(nodeId, { ...member, lastSeenMs: clock.nowMs() });
      return true;
    },
    take: (nodeId, bytes) => {
      const member = members.get(nodeId);
      if (member === undefined) return 'old';
      const report = openStatus(decodeEnvelope(bytes, payloadTypes.status), member.node.publicKey, nodeId);
      // The broker repeats the newest report of each node to whoever connects: that is no sign of life.
      if (!isNewerStatus(member.report, report)) return 'old';
      const committed = committedOf(report) ?? member.committed;
      members.set(nodeId, { ...member, report, committed, lastSeenMs: clock.nowMs() });
      dirty.add(nodeId);
      return 'new';
    },
    setConnected: (connected) => {
      const isNew = connected !== (connectedSinceMs !== undefined);
      if (isNew) connectedSinceMs = connected ? clock.nowMs() : undefined;
      return isNew;
    },
    view: () => {
      const nowMs = clock.nowMs();
      const views = [...members.values()].map((member) => viewOf(member, isOnline(member)));
      const listening = connectedSinceMs !== undefined && nowMs - connectedSinceMs >= offlineAfterMs;
      const everybodySilent = views.length > 1 && !views.some(({ online }) => online);
      return {
        nowMs,
        nodes: new Map(views.map((view) => [view.id, view])),
        connected: connectedSinceMs !== undefined,
        silenceCounts: listening && !everybodySilent,
        graceMs: offlineAfterMs,
      };
    },
    members: () => [...members.values()],
    get: (nodeId) => members.get(nodeId),
    isOnline,
    takeDirty: (keep) => {
      if (dirty.size === 0) return false;
      const taken = [...dirty].flatMap((nodeId): NodeRecord[] => {
        const member = members.get(nodeId);
        if (member?.report === undefined) return [];
        const { report, committed, lastSeenMs } = member;
        return [{ nodeId, report, committed, lastSeenMs }];
      });
      keep(taken);
      dirty.clear();
      return true;
    },
  };
}

function viewOf({ node, report, committed }: FleetMember, online: boolean): NodeView {
  return { id: node.id, online, committed, report: report === undefined ? undefined : reportOf(report) };
}

function reportOf(report: StatusReport): NodeReport {
  const { observedGeneration, reasonCode, message } = report;
  return { observedGeneration, phase: phaseOf(report.phase), reasonCode, message, serving: servingOf(report) };
}

function servingOf({ model, version, manifestSha256 }: StatusReport): Target | undefined {
  return model === '' ? undefined : { model, version, manifestSha256 };
}

/** In these phases nothing is on trial, so what serves is what the node committed; a model given as a file is nobody's release. */
function committedOf(report: StatusReport): Target | undefined {
  const phase = phaseOf(report.phase);
  if (phase !== 'STEADY' && phase !== 'FAILED' && phase !== 'ROLLED_BACK') return undefined;
  return report.manifestSha256 === '' ? undefined : servingOf(report);
}

function phaseOf(phase: WirePhase): NodePhase {
  switch (phase) {
    case WirePhase.NODE_PHASE_STEADY:
      return 'STEADY';
    case WirePhase.NODE_PHASE_ASSIGNED:
      return 'ASSIGNED';
    case WirePhase.NODE_PHASE_DOWNLOADING:
      return 'DOWNLOADING';
    case WirePhase.NODE_PHASE_SELFTEST:
      return 'SELFTEST';
    case WirePhase.NODE_PHASE_SWAPPING:
      return 'SWAPPING';
    case WirePhase.NODE_PHASE_SOAKING:
      return 'SOAKING';
    case WirePhase.NODE_PHASE_FAILED:
      return 'FAILED';
    case WirePhase.NODE_PHASE_ROLLING_BACK:
      return 'ROLLING_BACK';
    case WirePhase.NODE_PHASE_ROLLED_BACK:
      return 'ROLLED_BACK';
    case WirePhase.NODE_PHASE_UNSPECIFIED:
    case WirePhase.UNRECOGNIZED:
      return 'UNKNOWN';
  }
}

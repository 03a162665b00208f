/**
 * What is known of the nodes: their newest verified reports and when they were last heard of. Silence is judged here too,
 * because only whoever listens knows how long it has been listening. Nothing here costs more for a larger fleet, but
 * where the whole of it is asked for.
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '@atoll/base/clock';
import { NodePhase as WirePhase, type StatusReport, type VersionHealth } from '@atoll/proto/atoll/v1/release';
import { isNewerStatus } from '@atoll/release/status';
import type { FleetView, Health, NodePhase, NodeReport, NodeView, Target } from '../decide/fleet-view.js';
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

/** Opens a signed report of a node; throws when it is not the node's, or malformed. */
export type OpenStatus = (nodeId: string, bytes: Uint8Array, nodePublicKey: KeyObject) => StatusReport;

/** What a fleet is made of. */
export interface FleetOptions {
  readonly enrolled: readonly EnrolledNode[];
  /** The nodes as they were last known. */
  readonly known: readonly NodeRecord[];
  readonly openStatus: OpenStatus;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly offlineAfterMs: number;
}

/** What is known of the nodes. */
export interface Fleet {
  /** A node is alive; false when nobody enrolled it. */
  heard(nodeId: string): boolean;
  /** Takes a signed report: 'new', or 'old' when a newer one is known. Throws when it is not the node's, or malformed. */
  take(nodeId: string, bytes: Uint8Array): 'new' | 'old';
  /** The bus holds a state of this generation for the node, whatever the store says. */
  held(nodeId: string, generation: bigint): void;
  /** The broker answers, or no longer does; true when that is new. */
  setConnected(connected: boolean): boolean;
  /** The fleet is these nodes from now on. */
  enrol(enrolled: readonly EnrolledNode[]): void;
  /** The fleet as it is until the next change of it or of the clock; read what is wanted at once. */
  view(): FleetView;
  /** Sorted by id. */
  members(): readonly FleetMember[];
  get(nodeId: string): FleetMember | undefined;
  isOnline(member: FleetMember): boolean;
  /** The nodes of which something is new since the last call, beyond that time passed. */
  takeNews(): ReadonlySet<string>;
  /** Hands `keep` the records of nodes that reported since; they count as kept once it returns. False when there are none. */
  takeDirty(keep: (records: readonly NodeRecord[]) => void): boolean;
}

/** A node's entry; what a decider sees of its report is made once a report. */
interface Entry extends FleetMember {
  node: EnrolledNode;
  report: StatusReport | undefined;
  said: NodeReport | undefined;
  committed: Target | undefined;
  lastSeenMs: number;
  heldGeneration: bigint;
}

/** A fleet of enrolled nodes as they were last known. */
export function createFleet({ enrolled, known, openStatus, clock, offlineAfterMs }: FleetOptions): Fleet {
  const entries = new Map<string, Entry>();
  const dirty = new Set<string>();
  let sorted: readonly Entry[] | undefined;
  let news = new Set<string>();
  let connectedSinceMs: number | undefined;
  /** When anybody was last heard of, and when a silence of everybody ended. */
  let lastHeardMs = 0;
  let silenceEndedMs = 0;

  const enrol = (nodes: readonly EnrolledNode[], records: ReadonlyMap<string, NodeRecord>): void => {
    const before = new Map(entries);
    entries.clear();
    sorted = undefined;
    for (const node of nodes) {
      const { report, committed, lastSeenMs = 0 } = records.get(node.id) ?? {};
      const entry = before.get(node.id) ?? { node, report, committed, lastSeenMs, said: undefined, heldGeneration: 0n };
      entry.node = node;
      entry.said ??= entry.report === undefined ? undefined : reportOf(entry.report);
      entries.set(node.id, entry);
      if (!before.delete(node.id)) news.add(node.id);
      lastHeardMs = Math.max(lastHeardMs, entry.lastSeenMs);
    }
    for (const gone of before.keys()) {
      news.add(gone);
      dirty.delete(gone);
    }
  };
  const isOnline = ({ lastSeenMs }: FleetMember): boolean =>
    lastSeenMs > 0 && clock.nowMs() - lastSeenMs <= offlineAfterMs;
  const isSilent = (nowMs: number): boolean => entries.size > 1 && nowMs - lastHeardMs > offlineAfterMs;
  const hear = (entry: Entry): void => {
    const nowMs = clock.nowMs();
    if (isSilent(nowMs)) silenceEndedMs = nowMs;
    if (!isOnline(entry)) news.add(entry.node.id);
    lastHeardMs = nowMs;
    entry.lastSeenMs = nowMs;
  };
  const viewOf = (nodeId: string): NodeView | undefined => {
    const entry = entries.get(nodeId);
    if (entry === undefined) return undefined;
    const { node, said, committed, heldGeneration } = entry;
    const observed = said?.observedGeneration ?? 0n;
    const knownGeneration = observed > heldGeneration ? observed : heldGeneration;
    return { id: nodeId, online: isOnline(entry), report: said, committed, knownGeneration, labels: node.labels };
  };
  enrol(enrolled, new Map(known.map((record) => [record.nodeId, record])));

  return {
    heard: (nodeId) => {
      const entry = entries.get(nodeId);
      if (entry !== undefined) hear(entry);
      return entry !== undefined;
    },
    take: (nodeId, bytes) => {
      const entry = entries.get(nodeId);
      if (entry === undefined) return 'old';
      const report = openStatus(nodeId, bytes, entry.node.publicKey);
      // The broker repeats the newest report of each node to whoever connects: that is no sign of life.
      if (!isNewerStatus(entry.report, report)) return 'old';
      hear(entry);
      entry.report = report;
      entry.said = reportOf(report);
      entry.committed = committedOf(report) ?? entry.committed;
      dirty.add(nodeId);
      news.add(nodeId);
      return 'new';
    },
    held: (nodeId, generation) => {
      const entry = entries.get(nodeId);
      if (entry !== undefined && generation > entry.heldGeneration) entry.heldGeneration = generation;
    },
    setConnected: (connected) => {
      const isNew = connected !== (connectedSinceMs !== undefined);
      if (isNew) connectedSinceMs = connected ? clock.nowMs() : undefined;
      return isNew;
    },
    enrol: (nodes) => enrol(nodes, new Map()),
    view: () => {
      const nowMs = clock.nowMs();
      const listening = connectedSinceMs !== undefined && nowMs - connectedSinceMs >= offlineAfterMs;
      return {
        nowMs,
        nodes: { get: viewOf },
        isGone: (nodeId) => !entries.has(nodeId),
        connected: connectedSinceMs !== undefined,
        silenceCounts: listening && !isSilent(nowMs),
        silent: listening && isSilent(nowMs),
        listeningSinceMs: Math.max(connectedSinceMs ?? nowMs, silenceEndedMs),
        graceMs: offlineAfterMs,
      };
    },
    members: () => {
      sorted ??= [...entries.values()].toSorted((a, b) => (a.node.id < b.node.id ? -1 : 1));
      return sorted;
    },
    get: (nodeId) => entries.get(nodeId),
    isOnline,
    takeNews: () => {
      const taken = news;
      news = new Set();
      return taken;
    },
    takeDirty: (keep) => {
      if (dirty.size === 0) return false;
      const taken = [...dirty].flatMap((nodeId): NodeRecord[] => {
        const entry = entries.get(nodeId);
        if (entry?.report === undefined) return [];
        const { report, committed, lastSeenMs } = entry;
        return [{ nodeId, report, committed, lastSeenMs }];
      });
      keep(taken);
      dirty.clear();
      return true;
    },
  };
}

function reportOf(report: StatusReport): NodeReport {
  const { observedGeneration, reasonCode, message, backend } = report;
  const said = { observedGeneration, phase: phaseOf(report.phase), reasonCode, message, backend };
  return { ...said, serving: servingOf(report), health: healthOf(report.health), baseline: healthOf(report.baseline) };
}

function healthOf(health: VersionHealth | undefined): Health | undefined {
  if (health === undefined) return undefined;
  const { requests, errors, p99Ms, crashes } = health;
  const counts = { requests: Number(requests), errors: Number(errors), crashes: Number(crashes) };
  return { ...counts, p99Ms, scoreDrift: undefined };
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

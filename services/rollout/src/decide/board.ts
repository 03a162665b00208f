/**
 * All verdicts on a rollout's nodes with the sums that rules ask for. A verdict is placed, and placed again when it changes,
 * at a cost that does not grow with the rollout: so a look after one report need not count the fleet. A board says nothing
 * that its verdicts do not say; two boards with the same verdicts decide the same.
 */
import { classifyMember, isFailure, type NodeState, type Verdict, type Way } from './classify.js';
import type { FleetView } from './fleet-view.js';
import type { Rollout } from './rollout.js';

/** How many nodes stand where. */
export type Counts = Readonly<Record<NodeState, number>>;

/** The nodes of one wave, by what a rule does with them. */
interface WaveBoard {
  readonly counts: Record<NodeState, number>;
  readonly unassigned: Map<string, Verdict>;
  /** Assigned and waited for. */
  readonly open: Map<string, Verdict>;
  /** Out of reach and no longer waited for. */
  readonly away: Map<string, Verdict>;
  readonly failures: Map<string, Verdict>;
  acknowledged: number;
}

/** The verdicts of one rollout. */
export class Board {
  readonly waves: number;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #waves: readonly WaveBoard[];
  readonly #ways = new Map<Way, Map<string, Verdict>>();
  readonly #sites = new Map<string, number>();

  constructor(waves: number) {
    this.waves = waves;
    this.#waves = Array.from({ length: waves }, emptyWave);
  }

  /** Takes a verdict in, in the place of the one before on the same node; its wave is that of the one before. */
  place(verdict: Verdict): void {
    const { nodeId } = verdict;
    const before = this.#verdicts.get(nodeId);
    const wave = this.#waves[verdict.wave - 1];
    if (wave === undefined) return;
    this.#verdicts.set(nodeId, verdict);
    if (before !== undefined) this.#count(wave, before, -1);
    this.#count(wave, verdict, 1);
    move(nodeId, verdict, before && listOf(wave, before), listOf(wave, verdict));
    move(nodeId, verdict, before && this.#way(before.way), this.#way(verdict.way));
  }

  get(nodeId: string): Verdict | undefined {
    return this.#verdicts.get(nodeId);
  }

  all(): IterableIterator<Verdict> {
    return this.#verdicts.values();
  }

  /** Of the waves up to this one; all of them without one. */
  counts(upTo = this.waves): Counts {
    const sum = noCounts();
    for (const { counts } of this.#upTo(upTo))
      for (const state of Object.keys(sum) as NodeState[]) sum[state] += counts[state];
    return sum;
  }

  countsOf(wave: number): Counts {
    return this.#waves[wave - 1]?.counts ?? noCounts();
  }

  /** Not assigned yet, in the order of the plan, of the waves up to this one. */
  *unassigned(upTo: number): Generator<Verdict> {
    for (const { unassigned } of this.#upTo(upTo)) yield* unassigned.values();
  }

  /** Assigned and waited for, of the waves up to this one. */
  *open(upTo = this.waves): Generator<Verdict> {
    for (const { open } of this.#upTo(upTo)) yield* open.values();
  }

  openCount(upTo = this.waves): number {
    return sumOf(this.#upTo(upTo), ({ open }) => open.size);
  }

  /** Nodes of a site that are assigned and waited for. */
  openAt(site: string): number {
    return this.#sites.get(site) ?? 0;
  }

  /** Assigned, out of reach and no longer waited for, of the waves up to this one. */
  *away(upTo: number): Generator<Verdict> {
    for (const { away } of this.#upTo(upTo)) yield* away.values();
  }

  awayCount(upTo: number): number {
    return sumOf(this.#upTo(upTo), ({ away }) => away.size);
  }

  /** Failures that nobody acknowledged. */
  *failures(): Generator<Verdict> {
    for (const { failures } of this.#waves) yield* failures.values();
  }

  failureCount(): number {
    return sumOf(this.#waves, ({ failures }) => failures.size);
  }

  acknowledgedCount(): number {
    return sumOf(this.#waves, ({ acknowledged }) => acknowledged);
  }

  /** Nodes that are so far on their way back. */
  way(way: Way): ReadonlyMap<string, Verdict> {
    return this.#ways.get(way) ?? new Map();
  }

  #upTo(wave: number): readonly WaveBoard[] {
    return wave >= this.waves ? this.#waves : this.#waves.slice(0, wave);
  }

  #count(wave: WaveBoard, verdict: Verdict, change: 1 | -1): void {
    const { state, site } = verdict;
    wave.counts[state] += change;
    if (isFailure(verdict) && verdict.acknowledged) wave.acknowledged += change;
    if (isOpen(verdict)) this.#sites.set(site, this.openAt(site) + change);
  }

  #way(way: Way): Map<string, Verdict> {
    const list = this.#ways.get(way) ?? new Map<string, Verdict>();
    this.#ways.set(way, list);
    return list;
  }
}

/** A node that stays in its list keeps its place there. */
function move(
  nodeId: string,
  verdict: Verdict,
  from: Map<string, Verdict> | undefined,
  to: Map<string, Verdict> | undefined,
): void {
  if (from !== to) from?.delete(nodeId);
  to?.set(nodeId, verdict);
}

/** The board of a rollout whose every node is looked at. */
export function boardOf(rollout: Rollout, fleet: FleetView): Board {
  const board = new Board(rollout.waves.length);
  for (const member of rollout.members) board.place(classifyMember(member, rollout.spec, fleet));
  return board;
}

function listOf(wave: WaveBoard, verdict: Verdict): Map<string, Verdict> | undefined {
  if (verdict.state === 'PENDING') return wave.unassigned;
  if (isOpen(verdict)) return wave.open;
  if (verdict.state === 'OFFLINE') return wave.away;
  return isFailure(verdict) && !verdict.acknowledged ? wave.failures : undefined;
}

function isOpen({ state, waits }: Verdict): boolean {
  return waits && state !== 'PENDING';
}

function emptyWave(): WaveBoard {
  const lists = { unassigned: new Map(), open: new Map(), away: new Map(), failures: new Map() };
  return { counts: noCounts(), ...lists, acknowledged: 0 };
}

function noCounts(): Record<NodeState, number> {
  return { PENDING: 0, IN_FLIGHT: 0, COMMITTED: 0, FAILED: 0, ROLLED_BACK: 0, TIMED_OUT: 0, OFFLINE: 0 };
}

function sumOf(waves: readonly WaveBoard[], number: (wave: WaveBoard) => number): number {
  return waves.reduce((sum, wave) => sum + number(wave), 0);
}

/**
 * Cuts a rollout's nodes into waves, once, before anything is written to any of them. The order is that of a hash of the
 * rollout and the node: nobody chooses the canaries, the next rollout has others, and a restart finds the same plan. It is
 * drawn from each kind of hardware and each site alike, so that a wave is a small picture of the fleet, and the first wave has
 * one node of each kind of hardware where it has room. Nodes that are known to be away go last, because a first wave that
 * cannot answer says nothing.
 */
import { createHash } from 'node:crypto';
import { AtollError } from '@atoll/base/error';

/** A node that a plan may take in. */
export interface Candidate {
  readonly id: string;
  /** Its kind of hardware; empty = not known. */
  readonly hardware: string;
  /** Its site; empty = not known. */
  readonly site: string;
  /** Known to be out of reach. */
  readonly away: boolean;
}

/** Cuts `nodes` into waves of the cumulative sizes `waves`: shares ("10%") or counts ("2"), rounded up, at least one node each. */
export function planWaves(
  uid: string,
  nodes: readonly Candidate[],
  waves: readonly string[],
): readonly (readonly string[])[] {
  const sizes = cumulativeSizes(waves, nodes.length);
  const ranked = nodes
    .map((node) => ({ ...node, rank: rankOf(uid, node.id) }))
    .toSorted((a, b) => a.rank - b.rank || byId(a, b));
  const here = ranked.filter(({ away }) => !away);
  const order = [...mixed(here, sizes[0] ?? 0), ...ranked.filter(({ away }) => away)].map(({ id }) => id);
  return sizes.map((size, index) => order.slice(sizes[index - 1] ?? 0, size));
}

interface Ranked extends Candidate {
  /** 0..1, by hash. */
  readonly rank: number;
}

/** Nodes in the order of their ranks, changed so that each stratum is spread evenly; the first of each hardware before all. */
function mixed(nodes: readonly Ranked[], firstSize: number): readonly Ranked[] {
  const first = firstOfEachKind(nodes).slice(0, firstSize);
  const taken = new Set(first.map(({ id }) => id));
  const strata = grouped(nodes, ({ hardware, site }) => `${hardware}\n${site}`);
  const placed = strata.flatMap((stratum) =>
    // The n-th of N lies within the n-th N-th part, at a place by chance: else all small strata would come at one point.
    stratum.map((node, index) => ({ node, place: (index + node.rank) / stratum.length })),
  );
  placed.sort((a, b) => a.place - b.place || byId(a.node, b.node));
  return [...first, ...placed.map(({ node }) => node).filter(({ id }) => !taken.has(id))];
}

/** The first node of each kind of hardware, the most frequent kind first. */
function firstOfEachKind(nodes: readonly Ranked[]): readonly Ranked[] {
  const kinds = grouped(nodes, ({ hardware }) => hardware);
  return kinds.toSorted((a, b) => b.length - a.length).flatMap(([first]) => (first === undefined ? [] : [first]));
}

/** Nodes of one key each, in their order. */
function grouped(nodes: readonly Ranked[], key: (node: Ranked) => string): readonly (readonly Ranked[])[] {
  const groups = new Map<string, Ranked[]>();
  for (const node of nodes) {
    const name = key(node);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [node]);
    else group.push(node);
  }
  return [...groups.values()];
}

function byId(a: Candidate, b: Candidate): number {
  return a.id < b.id ? -1 : 1;
}

/** Cumulative node counts of the waves; a wave that would add no node is left out. */
export function cumulativeSizes(waves: readonly string[], nodes: number): number[] {
  const sizes: number[] = [];
  for (const wave of waves) {
    const size = sizeOf(wave, nodes);
    const before = sizes.at(-1) ?? 0;
    if (size < before) throw unusable(wave, 'waves are cumulative and must rise');
    if (size > before) sizes.push(size);
  }
  return sizes;
}

function sizeOf(wave: string, nodes: number): number {
  const [, share, count] = /^(?:(\d{1,3}(?:\.\d{1,6})?)%|(\d{1,9}))$/.exec(wave) ?? [];
  const value = Number(share ?? count ?? Number.NaN);
  if (Number.isNaN(value)) throw unusable(wave, 'it is neither a share like 10% nor a count like 2');
  if (value <= 0) throw unusable(wave, 'a wave has at least one node');
  if (share === undefined) return Math.min(value, nodes);
  if (value > 100) throw unusable(wave, 'there are no more than 100%');
  // 10% of 30 in binary fractions is a little over 3.
  return Math.min(nodes, Math.max(1, Math.ceil((value * nodes) / 100 - 1e-9)));
}

/** 48 bits of a hash, as 0..1. */
function rankOf(uid: string, nodeId: string): number {
  return createHash('sha256').update(`${uid}|${nodeId}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

function unusable(wave: string, reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot use wave ${JSON.stringify(wave.slice(0, 40))}: ${reason}`);
}

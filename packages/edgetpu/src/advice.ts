// What to change in a model so that the Edge TPU runs more of it, ranked by gain. Every gain is worked out by partitioning the model
// anew with the change made: it counts the operators that move off the CPU.
import { printable } from '@atoll/base/printable';
import { shownName } from './op-view.js';
import type { OpView } from './op-view.js';
import { partition } from './partition.js';
import type { Place } from './partition.js';
import type { MappingRule } from './rules.js';

/** One thing to do. */
export interface Advice {
  /** change: mend the operators; cut: compile the rest as a model of its own; all: make every change of the list. */
  readonly kind: 'change' | 'cut' | 'all';
  readonly text: string;
  /** By how many operators the CPU is relieved. */
  readonly gain: number;
  /** The operators that it is about, by index. */
  readonly ops: readonly number[];
}

/** All that helps, the most gainful first; `rules` is the rule that keeps each operator off, or undefined. */
export function adviceFor(
  ops: readonly OpView[],
  rules: readonly (MappingRule | undefined)[],
  places: readonly Place[],
): readonly Advice[] {
  const mapped = count(places);
  const without = (mended: ReadonlySet<number>): number =>
    count(partition(ops, ({ index }) => rules[index] === undefined || mended.has(index))) - mapped;
  const kinds = [...groups(ops, rules).values()];
  const changes = kinds.slice(0, maxChanges).map((group): Advice => {
    const indexes = group.map(({ op }) => op.index);
    return { kind: 'change', text: changeText(group), gain: without(new Set(indexes)), ops: indexes };
  });
  const every = kinds.flatMap((group) => group.map(({ op }) => op.index));
  const most = Math.max(0, ...changes.map(({ gain }) => gain));
  const together = kinds.length > 1 ? without(new Set(every)) : 0;
  const all: Advice[] =
    together > most ? [{ kind: 'all', text: 'make all of these changes', gain: together, ops: every }] : [];
  const cut = cutAfter(ops, rules, places);
  return [...all, ...changes, ...(cut === undefined ? [] : [cut])].toSorted((a, b) => b.gain - a.gain);
}

/** Each change is worked out by a partition of its own; beyond the first few dozen nobody reads on. */
const maxChanges = 40;

interface Blocked {
  readonly op: OpView;
  readonly rule: MappingRule;
}

/** Operators of one kind that one rule keeps off are mended together. */
function groups(
  ops: readonly OpView[],
  rules: readonly (MappingRule | undefined)[],
): ReadonlyMap<string, readonly [Blocked, ...Blocked[]]> {
  const all = new Map<string, [Blocked, ...Blocked[]]>();
  for (const op of ops) {
    const rule = rules[op.index];
    if (rule === undefined) continue;
    const key = `${op.name} ${rule.id}`;
    const group = all.get(key);
    if (group === undefined) all.set(key, [{ op, rule }]);
    else group.push({ op, rule });
  }
  return all;
}

function changeText(group: readonly [Blocked, ...Blocked[]]): string {
  const [{ op, rule }] = group;
  const which =
    group.length === 1
      ? `${printable(op.name)} ${shownName(op)}`
      : `${group.length} ${printable(op.name)}, the first ${shownName(op)}`;
  return `${which}: ${rule.remedyFor?.(op) ?? rule.remedy}`;
}

/** What lies behind the first break may be most of the model, and map as a model of its own. */
function cutAfter(
  ops: readonly OpView[],
  rules: readonly (MappingRule | undefined)[],
  places: readonly Place[],
): Advice | undefined {
  const at = places.indexOf('break');
  const broken = ops[at];
  const rest = ops.filter((_, index) => places[index] === 'behind');
  if (broken === undefined || rest.length === 0) return undefined;
  const again = partition(rest, ({ index }) => rules[index] === undefined);
  const gain = count(again);
  if (gain === 0) return undefined;
  const moved = rest.filter((_, index) => again[index] === 'edge-tpu').map(({ index }) => index);
  return {
    kind: 'cut',
    text: `make tensor ${shownName(broken)} an output, and compile what comes after it as a model of its own`,
    gain,
    ops: moved,
  };
}

function count(places: readonly Place[]): number {
  return places.filter((place) => place === 'edge-tpu').length;
}

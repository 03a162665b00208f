// The one partition of the compiler: in execution order, operators that cannot map may come before the Edge TPU part, but
// whatever needs the result of one that comes behind it stays on the CPU too. Branches that do not need it still map, so the part
// may have several outputs. Source: coral.ai/docs/edgetpu/models-intro, and compiled files.
import type { OpView } from './op-view.js';

/** Where an operator ends up. */
export type Place =
  | 'edge-tpu'
  /** A rule keeps it off, and nothing of the Edge TPU part is before it. */
  | 'before'
  /** A rule keeps it off, behind something that maps: here the part ends. */
  | 'break'
  /** It needs the result of a break. */
  | 'behind';

/** The place of every operator, in order; `canMap` says what the rules say of an operator by itself. */
export function partition(ops: readonly OpView[], canMap: (op: OpView) => boolean): readonly Place[] {
  const fromEdgeTpu = new Set<number>();
  const afterBreak = new Set<number>();
  return ops.map((op) => {
    const needs = (set: ReadonlySet<number>): boolean => op.operator.inputs.some((index) => set.has(index));
    const place = placeOf(canMap(op), needs(afterBreak), needs(fromEdgeTpu));
    for (const output of op.operator.outputs) {
      if (place === 'edge-tpu') fromEdgeTpu.add(output);
      else if (place !== 'before') afterBreak.add(output);
    }
    return place;
  });
}

function placeOf(canMap: boolean, behind: boolean, onTop: boolean): Place {
  if (behind) return 'behind';
  if (canMap) return 'edge-tpu';
  return onTop ? 'break' : 'before';
}

/** Operators that take the result of a CPU operator which runs after the part has begun: whether they join it depends on the order that the compiler chooses. */
export function lateJoins(ops: readonly OpView[], places: readonly Place[]): ReadonlySet<number> {
  const begins = places.indexOf('edge-tpu');
  const late = new Set<number>();
  const joins = new Set<number>();
  ops.forEach((op, index) => {
    const needsLate = op.operator.inputs.some((input) => late.has(input));
    const here = places[index] === 'edge-tpu';
    if (here && needsLate) joins.add(index);
    if ((places[index] === 'before' && begins >= 0 && index > begins) || (here && needsLate)) {
      for (const output of op.operator.outputs) late.add(output);
    }
  });
  return joins;
}

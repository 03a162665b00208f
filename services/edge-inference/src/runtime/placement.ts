/*
 * Where the files of a model go: compiled ones to devices, plain ones to every CPU slot, the parts of a cut model one to a slot
 * in a row. And which way a run takes: the routes of a model from the best to the last resort. Pure.
 */
import type { Segment } from '@atoll/release/target';
import type { Candidate } from './messages.js';

/** A slot as far as placement looks: the accelerator that it owns, undefined for a CPU's. */
export interface Seat {
  readonly device: string | undefined;
}

/** Files that one slot loads, of which it opens the first that it can. */
export interface Load {
  /** Index of the slot. */
  readonly seat: number;
  readonly candidates: readonly Candidate[];
  readonly segment: Segment | undefined;
}

/** A way to run a model: on any one of the loads, or on all of them in a row. */
export interface Route {
  readonly kind: 'whole' | 'pipeline';
  readonly on: 'device' | 'cpu';
  /** Indices into the plan's loads. */
  readonly loads: readonly number[];
}

/** Loads, and routes with the best first; no route when the node has no slot for any of the files. */
export interface Plan {
  readonly loads: readonly Load[];
  readonly routes: readonly Route[];
}

/** Places a model. A pipeline needs a slot for each part: two parts on one device would send their weights at every run. */
export function placeModel(candidates: readonly Candidate[], seats: readonly Seat[]): Plan {
  const loads: Load[] = [];
  const routes: Route[] = [];
  for (const on of ['device', 'cpu'] as const) {
    const mine = candidates.filter(({ backend }) => (backend === 'edgetpu') === (on === 'device'));
    const free = seats.flatMap(({ device }, seat) => ((device === undefined) === (on === 'cpu') ? [seat] : []));
    const add = (kind: Route['kind'], placed: readonly Load[]): void => {
      routes.push({ kind, on, loads: placed.map((load) => loads.push(load) - 1) });
    };
    const parts = partsOf(mine);
    if (parts.length > 0 && parts.length <= free.length) {
      const rows = parts.map((part, i): Load => ({ seat: free[i] ?? 0, ...part }));
      add('pipeline', rows);
    }
    const whole = mine.filter(({ segment }) => segment === undefined);
    if (whole.length > 0 && free.length > 0) {
      const everywhere = free.map((seat): Load => ({ seat, candidates: whole, segment: undefined }));
      add('whole', everywhere);
    }
  }
  return { loads, routes };
}

/** Why a model has no route here. */
export function noRoute(candidates: readonly Candidate[], seats: readonly Seat[]): string {
  const [first] = candidates;
  if (first === undefined) return 'the package has no file for this node';
  const onDevice = first.backend === 'edgetpu';
  const free = seats.filter(({ device }) => (device !== undefined) === onDevice).length;
  const { segment } = first;
  if (onDevice && free === 0) return 'its files are for an Edge TPU, and this node has none';
  if (segment === undefined) return 'this node has no slot for it';
  if (partsOf(candidates).length === 0) return `it is cut into ${segment.count} parts, and not all of them are there`;
  return `it is cut for ${segment.count} ${onDevice ? 'devices' : 'slots'} in a row, and this node has ${free}`;
}

/** The files of each part in order; none unless there is one for every part of one cut. */
function partsOf(candidates: readonly Candidate[]): Omit<Load, 'seat'>[] {
  const cut = candidates.filter(({ segment }) => segment !== undefined);
  const count = cut[0]?.segment?.count ?? 0;
  const parts = Array.from({ length: count }, (_, index) => ({
    segment: { index, count },
    candidates: cut.filter(({ segment }) => segment?.index === index && segment.count === count),
  }));
  return parts.every((part) => part.candidates.length > 0) ? parts : [];
}

import { AtollError } from '@atoll/base/error';
import type { Part, Recipe } from './part.js';
import { megabytes } from './progress.js';

/** A recipe, and why this machine cannot follow it (undefined when it can). */
export interface Candidate {
  readonly recipe: Recipe;
  readonly hindrance: string | undefined;
}

/** A part that is not there, and the ways to come by it. */
export interface MissingPart {
  readonly part: Part;
  readonly candidates: readonly Candidate[];
}

/** What set-up is about to do, and its figures in bytes. */
export interface Plan {
  readonly fetches: readonly MissingPart[];
  /** Parts with no way to come by them. */
  readonly hopeless: readonly MissingPart[];
  readonly downloadBytes: number;
  readonly keptBytes: number;
  /** The most that lies on the cache's disk at any moment, on top of what is there now. */
  readonly peakBytes: number;
}

/** Plans the fetching of missing parts, one after the other, each by the first recipe that can be followed. */
export function planFetches(missing: readonly MissingPart[]): Plan {
  let downloadBytes = 0;
  let keptBytes = 0;
  let peakBytes = 0;
  const fetches: MissingPart[] = [];
  const hopeless: MissingPart[] = [];
  for (const entry of missing) {
    const usable = entry.candidates.find((candidate) => candidate.hindrance === undefined);
    if (usable === undefined) {
      hopeless.push(entry);
      continue;
    }
    fetches.push(entry);
    peakBytes = Math.max(peakBytes, keptBytes + usable.recipe.peakBytes);
    keptBytes += usable.recipe.keptBytes;
    downloadBytes += usable.recipe.downloadBytes;
  }
  return { fetches, hopeless, downloadBytes, keptBytes, peakBytes };
}

/** What is said before anything is downloaded. */
export function announcement(plan: Plan, cache: string): readonly string[] {
  const lines = plan.fetches.map(({ part, candidates }) => {
    const recipe = candidates.find((candidate) => candidate.hindrance === undefined)?.recipe;
    if (recipe === undefined) return `  ${part.title}`;
    return `  ${part.title}: ${megabytes(recipe.downloadBytes)} to download, ${megabytes(recipe.keptBytes)} on disk (${recipe.title})`;
  });
  const { downloadBytes, keptBytes, peakBytes } = plan;
  return [
    `Set-up fetches once, into ${cache}:`,
    ...lines,
    `  in all ${megabytes(downloadBytes)} to download, ${megabytes(keptBytes)} on disk, ${megabytes(peakBytes)} while at work`,
  ];
}

/** The one line for a part that cannot be had: a warning that names what is used instead, or an error (FAILED_PRECONDITION). */
export function outcomeWithout(part: Part, tried: readonly string[]): string | AtollError {
  const sources = tried.length === 0 ? 'there is none for this platform' : `tried ${tried.join('; ')}`;
  const { without } = part;
  if (without.kind === 'fallback') {
    return `warning: no ${part.title} (${sources}): ${without.to}; the cost: ${without.cost}`;
  }
  return new AtollError('FAILED_PRECONDITION', `cannot set up ${part.title}: ${sources}. By hand: ${without.byHand}`);
}

/** The refusal when the disk has too little room, or undefined. */
export function spaceFault(plan: Plan, freeBytes: number, cache: string): AtollError | undefined {
  if (freeBytes >= plan.peakBytes) return undefined;
  return new AtollError(
    'RESOURCE_EXHAUSTED',
    `cannot set up in ${cache}: it takes ${megabytes(plan.peakBytes)} while at work and ${megabytes(freeBytes)} are free; make room, or name another folder in ATOLL_CACHE`,
  );
}

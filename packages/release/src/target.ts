/** A model that was cut for several Edge TPUs is a file for each, and each file's target says which it is. */

/** One of the parts, in order, that a model was cut into; `index` from 0. */
export interface Segment {
  readonly index: number;
  readonly count: number;
}

/** What a file of a release is for: any CPU, one Edge TPU, or one of several Edge TPUs in a row. */
export interface ReleaseTarget {
  readonly processor: 'cpu' | 'edgetpu';
  /** Undefined for a whole model. */
  readonly segment: Segment | undefined;
}

/** The most parts of one model: as many as a machine may have Edge TPUs. */
export const mostSegments = 16;

/** Reads "cpu", "edgetpu" or "edgetpu-segment-0-of-2"; undefined for any other text. */
export function parseTarget(text: string): ReleaseTarget | undefined {
  if (text === 'cpu' || text === 'edgetpu') return { processor: text, segment: undefined };
  const [, index, count] = /^edgetpu-segment-(\d{1,2})-of-(\d{1,2})$/.exec(text) ?? [];
  const segment = { index: Number(index), count: Number(count) };
  const fits = segment.count >= 2 && segment.count <= mostSegments && segment.index < segment.count;
  const target = { processor: 'edgetpu', segment } as const;
  return fits && targetText(target) === text ? target : undefined;
}

/** The text that parseTarget reads. */
export function targetText({ processor, segment }: ReleaseTarget): string {
  return segment === undefined ? processor : `${processor}-segment-${segment.index}-of-${segment.count}`;
}

/** Why these segments are not every part of one model, each once; undefined when they are, or when there are none. */
export function segmentGap(segments: readonly Segment[]): string | undefined {
  const [first] = segments;
  if (first === undefined) return undefined;
  if (segments.some(({ count }) => count !== first.count)) return 'its segments are of different cuts';
  const present = new Set(segments.map(({ index }) => index));
  const missing = Array.from({ length: first.count }, (_, index) => index).find((index) => !present.has(index));
  if (missing !== undefined) return `it lacks segment ${missing} of ${first.count}`;
  return segments.length === first.count ? undefined : 'it has a segment twice';
}

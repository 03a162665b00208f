/**
 * Where a node may get blobs from, the nearest first. One that is away, has not got the blob or gave wrong bytes is set back behind
 * the others for a while, and comes to its place again after it.
 */
import type { Channel } from '@atoll/rpc/channel';

/** A server of blobs. */
export interface BlobSource {
  /** For messages: its address. */
  readonly name: string;
  readonly channel: Channel;
}

/** Several of them. */
export interface BlobSources {
  /** All, those to be asked first at the front. */
  inOrder(): readonly BlobSource[];
  setBack(source: BlobSource): void;
}

/** How long a source stays set back, milliseconds. */
export const setBackMs = 60_000;

/** Sources in their usual order; `nowMs` never goes back. */
export function createBlobSources(sources: readonly BlobSource[], nowMs: () => number): BlobSources {
  const until = new Map<BlobSource, number>();
  const isBack = (source: BlobSource): boolean => (until.get(source) ?? 0) > nowMs();
  return {
    inOrder: () => {
      const back = sources.filter(isBack);
      // Of those that are set back, the one whose failure is the oldest is the likeliest to be well again.
      back.sort((one, other) => (until.get(one) ?? 0) - (until.get(other) ?? 0));
      return [...sources.filter((source) => !isBack(source)), ...back];
    },
    setBack: (source) => void until.set(source, nowMs() + setBackMs),
  };
}

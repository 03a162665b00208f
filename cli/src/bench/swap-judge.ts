/**
 * Which versions may have answered a request: from when the load of a version began, at the earliest, until the load of the
 * next had ended, at the latest, since between the two the node flips without telling the client.
 */

/** One change of version as the client saw it. */
export interface SeenSwap {
  readonly version: number;
  readonly beganMs: number;
  /** Infinity while it is under way. */
  readonly endedMs: number;
}

/** One answer. */
export interface SeenReply {
  readonly version: number;
  readonly sentMs: number;
  readonly endedMs: number;
}

/** True when that version was in service at some time while the request was under way; swaps in their order. */
export function mayHaveAnswered(reply: SeenReply, swaps: readonly SeenSwap[]): boolean {
  const index = swaps.findLastIndex(({ version }) => version === reply.version);
  const own = swaps[index];
  if (own === undefined) return false;
  const leftMs = swaps[index + 1]?.endedMs ?? Number.POSITIVE_INFINITY;
  return own.beganMs <= reply.endedMs && reply.sentMs <= leftMs;
}

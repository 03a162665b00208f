/**
 * The effects of the state machine: each does one action to its end and says how it ended. An action that is given up for
 * a newer generation ends within moments; only the flip itself and a revert are never cut.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AtollError, isAtollError, reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { PublicKeySet } from '@atoll/release/keys';
import type { Channel } from '@atoll/rpc/channel';
import { packageFromRelease } from '../models/from-release.js';
import type { ModelPackage } from '../models/model-package.js';
import type { Swapper } from '../swap/swapper.js';
import type { BlobSources } from './blob-sources.js';
import type { AgentState, Baseline, ModelRef, Outcome, Soak } from './decide.js';
import { fetchReason, fetchRelease } from './fetch.js';
import type { ReleaseStore } from './release-store.js';
import { emptySoak, judge } from './soak.js';

/** What the effects work on. */
export interface Effects {
  readonly swapper: Swapper;
  readonly store: ReleaseStore;
  /** The registry, for releases. */
  readonly channel: Channel;
  readonly sources: BlobSources;
  readonly buildKeys: PublicKeySet;
  readonly log: Logger;
  /** Now, milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  /** A step on the way; it is durable when the call returns. */
  readonly onStep: (step: Outcome) => void;
  /** The numbers changed. */
  readonly onNews: () => void;
}

const sampleEveryMs = 200;
const reportEveryMs = 2_000;

/** Fetches and checks; undefined when it was given up. `deadline` is when preparation must be over. */
export async function performFetch(
  effects: Effects,
  { candidate, keep }: { readonly candidate: ModelRef; readonly keep: readonly ModelRef[] },
  signal: AbortSignal,
  deadline: AbortSignal,
): Promise<Outcome | undefined> {
  try {
    await effects.store.collect(
      [...keep, candidate].map((ref) => ref.manifestSha256),
      effects.buildKeys,
    );
    await fetchRelease({ ...effects, nowMs: effects.nowMs() }, candidate, AbortSignal.any([signal, deadline]));
    return { kind: 'fetched' };
  } catch (error) {
    return signal.aborted ? undefined : failedBefore(effects, candidate, error, deadline);
  }
}

/** Tries, loads, flips; `baseline` is written down with the flip. The deadline is for the trial: a flip that has begun is finished. */
export async function performActivate(
  effects: Effects,
  { candidate, baseline }: { readonly candidate: ModelRef; readonly baseline: Baseline | undefined },
  signal: AbortSignal,
  deadline: AbortSignal,
): Promise<Outcome> {
  const preparing = new AbortController();
  const end = (): void => preparing.abort();
  for (const source of [signal, deadline]) {
    if (source.aborted) end();
    source.addEventListener('abort', end, { once: true });
  }
  try {
    const pkg = await keptPackage(effects, candidate);
    const result = await effects.swapper.activate(pkg, preparing.signal, (stage) => {
      if (stage !== 'swapping') return;
      effects.onStep(baseline === undefined ? { kind: 'swapping' } : { kind: 'swapping', baseline });
      deadline.removeEventListener('abort', end);
    });
    if (result.outcome === 'ok') return { kind: 'activated' };
    return { kind: 'failed', reason: { code: result.reason, message: result.message } };
  } catch (error) {
    return signal.aborted ? { kind: 'abandoned' } : failedBefore(effects, candidate, error, deadline);
  } finally {
    for (const source of [signal, deadline]) source.removeEventListener('abort', end);
  }
}

function failedBefore(effects: Effects, candidate: ModelRef, error: unknown, deadline: AbortSignal): Outcome {
  if (deadline.aborted) {
    const message = `cannot prepare ${nameOf(candidate)}: it was not done within its deadline`;
    return { kind: 'failed', reason: { code: 'PREPARE_TIMEOUT', message } };
  }
  if (!isAtollError(error)) effects.log.error('preparing a release failed inside', { error });
  return { kind: 'failed', reason: fetchReason(error) };
}

/** Watches the version in service until the judge decides; undefined when it was given up. */
export async function performSoak(
  effects: Effects,
  {
    candidate,
    soak,
    baseline,
  }: { readonly candidate: ModelRef; readonly soak: Soak; readonly baseline: Baseline | undefined },
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const startMs = performance.now();
  let reportedMs = startMs;
  let state = emptySoak;
  while (!signal.aborted) {
    const nowMs = performance.now();
    const stats = effects.swapper.stats(candidate.model, candidate.version);
    const judged = judge(state, { elapsedMs: nowMs - startMs, stats }, baseline, soak);
    state = judged.state;
    if (judged.verdict.kind === 'fail') return { kind: 'condemned', reason: judged.verdict.reason };
    if (judged.verdict.kind === 'pass') {
      const release = await effects.store.open(candidate.manifestSha256, effects.buildKeys);
      return { kind: 'passed', floor: release?.manifest.minVersionFloor ?? 0n };
    }
    if (nowMs - reportedMs >= reportEveryMs) {
      reportedMs = nowMs;
      effects.onNews();
    }
    await delay(sampleEveryMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/**
 * Puts the committed release back in service where the candidate took its place; UNAVAILABLE when it does not come back.
 * A candidate that had nothing of its model before it leaves service: a judgement against it must not be without effect.
 */
export async function performRevert(effects: Effects, state: AgentState, candidate: ModelRef): Promise<Outcome> {
  const { active } = state;
  if (active === undefined || active.model !== candidate.model) {
    if (serves(effects.swapper, candidate)) await effects.swapper.retire(candidate.model);
    return { kind: 'reverted' };
  }
  if (serves(effects.swapper, active)) return { kind: 'reverted' };
  try {
    await effects.swapper.revert(active.model);
  } catch (error) {
    effects.log.warn('cannot revert in place, loading the committed release', { reason: reasonOf(error) });
  }
  if (!serves(effects.swapper, active)) await performRestore(effects, active);
  return { kind: 'reverted' };
}

/** Puts a committed release in service from this disk; FAILED_PRECONDITION when it cannot be. `signal` ends its trial. */
export async function performRestore(
  effects: Effects,
  ref: ModelRef,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const result = await effects.swapper.activate(await keptPackage(effects, ref), signal);
  if (result.outcome === 'ok') return;
  throw new AtollError('FAILED_PRECONDITION', `cannot serve ${nameOf(ref)}: ${result.reason}: ${result.message}`);
}

/** True when requests for the release's model go to it. */
export function serves(swapper: Swapper, ref: ModelRef): boolean {
  return swapper.active(ref.model)?.manifestSha256 === ref.manifestSha256;
}

async function keptPackage({ store, buildKeys }: Effects, ref: ModelRef): Promise<ModelPackage> {
  const release = await store.open(ref.manifestSha256, buildKeys);
  if (release === undefined) {
    throw new AtollError('NOT_FOUND', `cannot load ${nameOf(ref)}: its signed manifest is not on this disk`);
  }
  await store.check(release.manifest);
  return packageFromRelease(release.manifest, release.manifestSha256, store.blobs);
}

function nameOf({ model, version }: ModelRef): string {
  return `${model} v${version}`;
}

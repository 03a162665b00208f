/**
 * The loop of an agent: take the next action of the state machine, do it, write down what came of it, tell. One action at
 * a time; a newer desired state aborts it and is taken up before the next. Nothing is told before it is written down.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { PublicKeySet } from '@atoll/release/keys';
import type { VersionStats } from '../stats.js';
import { advance, type AgentState, assign, type ModelRef, nextAction, type Outcome } from './decide.js';
import { fetchRelease } from './fetch.js';
import { openInbox } from './inbox.js';
import type { Journal } from './journal.js';
import {
  type Effects,
  performActivate,
  performFetch,
  performRestore,
  performRevert,
  performSoak,
  serves,
} from './perform.js';

/** What a follower works on. */
export interface FollowerOptions {
  readonly nodeId: string;
  readonly journal: Journal;
  readonly directorKeys: PublicKeySet;
  readonly log: Logger;
  readonly release: Pick<Effects, 'swapper' | 'store' | 'channel' | 'buildKeys'>;
  /** The state or the numbers changed. */
  readonly onNews: () => void;
}

/** The loop. */
export interface Follower {
  /** A desired state came; whatever it is. */
  deliver(bytes: Uint8Array): void;
  /** Puts the committed release in service from this disk, else the one before it; says in the log when neither could be. */
  serveCommitted(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** A committed release that could not be served is tried again after this, milliseconds. */
const restoreEveryMs = 10_000;
/** What failed for reasons of the machine is tried again after this, milliseconds. */
const retryEveryMs = 1_000;
/** A preparation without a deadline of its own ends after this, milliseconds. */
const defaultPrepareMs = 10 * 60_000;

/** A loop that has not begun. */
export function createFollower({ nodeId, journal, directorKeys, log, release, onNews }: FollowerOptions): Follower {
  const stopped = new AbortController();
  let preempt = new AbortController();
  let wake: () => void = () => undefined;
  let loop: Promise<void> | undefined;
  let baseline: VersionStats | undefined;
  let deadline = new AbortController().signal;
  let restoreAtMs = 0;

  // A clock that was set back must not make expired things valid: time is never before the latest signature seen.
  const nowMs = (): number => Math.max(Date.now(), journal.state.lastSignedMs);
  const write = (state: AgentState): void => {
    const before = journal.state.phase;
    journal.write(state);
    const { phase, candidate, lastGeneration: generation, reason } = state;
    if (phase !== before) log.info('phase', { phase, candidate, generation, reason });
    onNews();
  };
  const step = (outcome: Outcome): void => write(advance(journal.state, outcome));
  const effects: Effects = { ...release, log, nowMs, onStep: step, onNews };

  const inbox = openInbox({
    nodeId,
    directorKeys,
    lastSeen: () => {
      const { lastGeneration, lastPayloadSha256 } = journal.state;
      return lastGeneration === 0n ? undefined : { generation: lastGeneration, payloadSha256: lastPayloadSha256 };
    },
    nowMs,
    log,
    onNewer: () => {
      preempt.abort();
      wake();
    },
  });

  const restore = async (active: ModelRef, signal: AbortSignal): Promise<void> => {
    restoreAtMs = performance.now() + restoreEveryMs;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(restoreEveryMs)]);
      // Its expiry forbade to begin with it, not to go on.
      await fetchRelease({ ...release, nowMs: 0 }, active, limit);
      await performRestore(effects, active, signal);
      onNews();
    } catch (error) {
      if (signal.aborted) return;
      log.error('the committed release cannot be served', { reason: reasonOf(error) });
    }
  };

  const revert = async (state: AgentState, candidate: ModelRef): Promise<Outcome | undefined> => {
    try {
      return await performRevert(effects, state, candidate);
    } catch (error) {
      log.error('cannot revert, trying again', { reason: reasonOf(error) });
      await pause(retryEveryMs, stopped.signal);
      return undefined;
    }
  };

  const act = async (signal: AbortSignal): Promise<Outcome | undefined> => {
    const { state } = journal;
    const action = nextAction(state);
    switch (action.kind) {
      case 'wait':
        return undefined;
      case 'fetch': {
        step({ kind: 'fetching' });
        const { prepareDeadlineMs } = action.soak;
        deadline = AbortSignal.timeout(prepareDeadlineMs === 0 ? defaultPrepareMs : prepareDeadlineMs);
        const keep = [state.active, state.previous].filter((ref) => ref !== undefined);
        return performFetch(effects, { candidate: action.candidate, keep }, signal, deadline);
      }
      case 'activate': {
        const { active } = state;
        const comparable = active?.model === action.candidate.model;
        baseline = comparable ? release.swapper.stats(active.model, active.version) : undefined;
        return performActivate(effects, action.candidate, signal, deadline);
      }
      case 'soak':
        return performSoak(effects, { ...action, baseline }, signal);
      case 'revert':
        return revert(state, action.candidate);
    }
  };

  const turn = async (): Promise<void> => {
    preempt = new AbortController();
    const taken = inbox.take(({ assignment, payloadSha256, signedMs }) => {
      const lastSignedMs = Math.max(journal.state.lastSignedMs, signedMs);
      write(assign({ ...journal.state, lastSignedMs }, assignment, payloadSha256));
    });
    if (taken) return;
    const signal = AbortSignal.any([preempt.signal, stopped.signal]);
    const broken = brokenRelease(journal.state, release.swapper);
    if (broken !== undefined && performance.now() >= restoreAtMs) return restore(broken, signal);
    if (nextAction(journal.state).kind === 'wait') {
      return idle(signal, broken === undefined ? undefined : restoreEveryMs, (waker) => (wake = waker));
    }
    const before = journal.state.active?.model;
    const outcome = await act(signal);
    if (outcome !== undefined) step(outcome);
    // A node runs one model: the one before would be in service until the next start, and then no more.
    const now = journal.state.active?.model;
    if (before !== undefined && before !== now) await release.swapper.retire(before);
  };

  const forever = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        // The journal could not be written, so nothing was decided: the same turn comes again.
        log.error('the agent cannot go on, trying again', { error });
        await pause(retryEveryMs, stopped.signal);
      }
    }
  };

  return {
    deliver: (bytes) => inbox.deliver(bytes),
    serveCommitted: async () => {
      for (const ref of [journal.state.active, journal.state.previous]) {
        if (ref === undefined) continue;
        try {
          return await performRestore(effects, ref);
        } catch (error) {
          log.error('a committed release cannot be served from this disk', { ...ref, reason: reasonOf(error) });
        }
      }
    },
    start: () => {
      loop = forever();
    },
    stop: async () => {
      stopped.abort();
      wake();
      await loop;
      // An end that was asked for is no crash of the candidate.
      if (journal.state.phase !== 'SOAKING') return;
      try {
        journal.write(advance(journal.state, { kind: 'abandoned' }));
      } catch (error) {
        // The node drains all the same; the next start counts one start more.
        log.warn('cannot note that the end was asked for', { reason: reasonOf(error) });
      }
    },
  };
}

/** The committed release when it should serve and does not. */
function brokenRelease({ phase, active }: AgentState, swapper: Effects['swapper']): ModelRef | undefined {
  const trying = phase === 'SWAPPING' || phase === 'SOAKING' || phase === 'ROLLING_BACK';
  return trying || active === undefined || serves(swapper, active) ? undefined : active;
}

/** Waits for a wake-up, or, when given, a while at most. */
async function idle(
  signal: AbortSignal,
  mostMs: number | undefined,
  wakeWith: (wake: () => void) => void,
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = mostMs === undefined ? undefined : setTimeout(resolve, mostMs);
    wakeWith(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  await delay(waitMs, undefined, { signal }).catch(() => undefined);
}

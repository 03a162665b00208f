/**
 * Drives the machine of an agent: does its work with real promises and timers, and brings desired states to its door. What is
 * done, and in which order, is the machine's.
 */
import { reasonOf } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import type { OpenedDesired } from '@atoll/release/desired';
import { createNodeClock } from './clock.js';
import type { AgentState, Baseline, ModelRef, Outcome } from './decide.js';
import { fetchRelease } from './fetch.js';
import { openInbox } from './inbox.js';
import type { Journal } from './journal.js';
import { createMachine, restoreEveryMs, type Work, type WorkEnd } from './machine.js';
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
  /** See InboxOptions.open. */
  readonly open: (bytes: Uint8Array) => OpenedDesired;
  readonly log: Logger;
  readonly release: Pick<Effects, 'swapper' | 'store' | 'channel' | 'sources' | 'buildKeys'>;
  /** The state or the numbers changed. */
  readonly onNews: () => void;
}

/** The loop. */
export interface Follower {
  /** What the node goes by; see Machine.state. */
  readonly state: AgentState;
  /** What people should look at now; the words of a report. */
  alarms(): readonly string[];
  /** How far the wall clock is from what it should be, milliseconds; 0 when it is not suspect. */
  clockOffsetMs(): number;
  /** A desired state came; whatever it is. */
  deliver(bytes: Uint8Array): void;
  /** Puts the committed release in service from this disk, else the one before it; says in the log when neither could be. */
  serveCommitted(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** A preparation without a deadline of its own ends after this, milliseconds. */
const defaultPrepareMs = 10 * 60_000;

/** A loop that has not begun. */
export function createFollower({ nodeId, journal, open, log, release, onNews }: FollowerOptions): Follower {
  let aborting = new AbortController();
  let waking: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let deadline = new AbortController().signal;

  const clockPorts = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  const clock = createNodeClock(clockPorts, journal.state.lastSignedMs);
  const onState = (state: AgentState, before: AgentState): void => {
    const { phase, candidate, lastGeneration: generation, reason } = state;
    if (phase !== before.phase) log.info('phase', { phase, candidate, generation, reason });
    onNews();
  };

  const inbox = openInbox({
    nodeId,
    open,
    lastSeen: () => {
      const { lastGeneration, lastPayloadSha256 } = machine.state;
      return lastGeneration === 0n ? undefined : { generation: lastGeneration, payloadSha256: lastPayloadSha256 };
    },
    clock,
    log,
    onNewer: () => machine.newer(),
    onAlarm: onNews,
  });

  const machine = createMachine({
    journal,
    inbox,
    clock,
    serves: (ref) => serves(release.swapper, ref),
    begin: (work) => {
      aborting = new AbortController();
      working = perform(work, aborting.signal).then(
        (end) => machine.ended(end),
        (error: unknown) => machine.ended({ kind: 'again', error }),
      );
    },
    abort: () => aborting.abort(),
    wakeAfter: (ms) => {
      clearTimeout(waking);
      waking = setTimeout(() => machine.woken(), ms);
    },
    monotonicMs: clockPorts.monotonicMs,
    onState,
    onFailure: (error) => log.error('the agent cannot go on, trying again', { error }),
  });
  const effects: Effects = {
    ...release,
    log,
    nowMs: () => clock.nowMs(),
    onStep: (outcome) => machine.step(outcome),
    onNews,
  };

  const perform = async (work: Work, signal: AbortSignal): Promise<WorkEnd> => {
    switch (work.kind) {
      case 'fetch':
        deadline = AbortSignal.timeout(work.prepareMs === 0 ? defaultPrepareMs : work.prepareMs);
        return endOf(await performFetch(effects, work, signal, deadline));
      case 'activate':
        return endOf(await performActivate(effects, { ...work, baseline: baselineOf(work.before) }, signal, deadline));
      case 'soak':
        return endOf(await performSoak(effects, work, signal));
      case 'revert':
        return endOf(await performRevert(effects, work.state, work.candidate));
      case 'restore':
        await restore(work.active, signal);
        return { kind: 'nothing' };
      case 'retire':
        await release.swapper.retire(work.model);
        return { kind: 'nothing' };
    }
  };

  const restore = async (active: ModelRef, signal: AbortSignal): Promise<void> => {
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

  const baselineOf = (before: ModelRef | undefined): Baseline | undefined => {
    if (before === undefined) return undefined;
    const { requests, errors, crashes, p50Ms, p99Ms } = release.swapper.stats(before.model, before.version);
    return { requests, errors, crashes, p50Ms, p99Ms };
  };

  return {
    get state() {
      return machine.state;
    },
    alarms: () => {
      const { assignment } = machine.state;
      const expiresMs = assignment?.expiresMs ?? 0;
      const alarms = new Set<string>(inbox.alarms());
      if (expiresMs !== 0 && clock.nowMs() > expiresMs) alarms.add('STALE_METADATA');
      if (clock.offsetMs() !== 0) alarms.add('CLOCK_SUSPECT');
      if (machine.unwritten) alarms.add('JOURNAL_UNWRITTEN');
      return [...alarms];
    },
    clockOffsetMs: () => clock.offsetMs(),
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
    start: () => machine.start(),
    stop: async () => {
      machine.stop();
      clearTimeout(waking);
      // One piece of work may be followed by another that belongs to it.
      for (let last; last !== working;) {
        last = working;
        await last;
      }
      clearTimeout(waking);
      try {
        machine.close();
      } catch (error) {
        // The node drains all the same; the next start counts one start more.
        log.warn('cannot note that the end was asked for', { reason: reasonOf(error) });
      }
    },
  };
}

function endOf(outcome: Outcome | undefined): WorkEnd {
  return outcome === undefined ? { kind: 'nothing' } : { kind: 'outcome', outcome };
}

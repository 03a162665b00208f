/**
 * The loop of an agent as a synchronous machine: it takes the next action of the state machine, has it done, writes down what came
 * of it, and goes on. One piece of work at a time; a newer desired state has it given up, and is taken up before the next begins.
 * Nothing is begun or told before what led to it is in the journal, but one thing: that the journal cannot be written, which fails what
 * was about to begin. Whoever drives it does the work and keeps the time: here are no promises, timers, clocks or random numbers, so
 * that the same machine runs in real and in simulated time.
 */
import { AtollError, reasonOf } from '@atoll/base/error';
import type { NodeClock } from './clock.js';
import {
  advance,
  type AgentState,
  assign,
  type Baseline,
  type ModelRef,
  nextAction,
  type Outcome,
  type Soak,
} from './decide.js';
import { diskFailureCode } from './disk-failure.js';
import type { Delivery, Inbox } from './inbox.js';
import type { Journal } from './journal.js';

/** What a driver is asked to do. */
export type Work =
  /** `prepareMs` is for this and the activation that follows it; 0 = as long as the driver sees fit. */
  | {
      readonly kind: 'fetch';
      readonly candidate: ModelRef;
      readonly keep: readonly ModelRef[];
      readonly prepareMs: number;
    }
  /** `before` is the release of the same model that serves now, to be compared with. */
  | { readonly kind: 'activate'; readonly candidate: ModelRef; readonly before: ModelRef | undefined }
  | {
      readonly kind: 'soak';
      readonly candidate: ModelRef;
      readonly soak: Soak;
      readonly baseline: Baseline | undefined;
    }
  /** Puts `state.active` back where the candidate took its place. Never aborted. */
  | { readonly kind: 'revert'; readonly candidate: ModelRef; readonly state: AgentState }
  /** The committed release should serve and does not. */
  | { readonly kind: 'restore'; readonly active: ModelRef }
  /** A node runs one model: this one is another's now. Never aborted. */
  | { readonly kind: 'retire'; readonly model: string };

/** How a piece of work ended. */
export type WorkEnd =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** Nothing came of it, and that is fine: it was aborted, or needs no outcome. */
  | { readonly kind: 'nothing' }
  /** It could not be done for reasons of this machine: to be tried again after a pause. */
  | { readonly kind: 'again'; readonly error: unknown };

/** What a machine needs of its driver; every call returns at once. */
export interface MachinePorts {
  readonly journal: Journal;
  /** Where verified desired states wait. */
  readonly inbox: Pick<Inbox, 'take'>;
  readonly clock: Pick<NodeClock, 'nowMs' | 'heard'>;
  /** True when requests for the release's model go to it. */
  serves(ref: ModelRef): boolean;
  /** Begins a piece of work. Exactly one ended() answers it, not before this has returned. */
  begin(work: Work): void;
  /** Has the work under way end within moments. It may have come to its end already, and then that counts. */
  abort(): void;
  /** Asks for one woken() in so many milliseconds, in place of any that was asked for before. */
  wakeAfter(ms: number): void;
  /** Milliseconds, never going back. */
  monotonicMs(): number;
  /** A new state is in the journal, or is told though it could not be written; see Machine.state. */
  onState(state: AgentState, before: AgentState): void;
  /** Something of this machine failed, a disk most likely; it is tried again. */
  onFailure(error: unknown): void;
}

/** See the head of the file. */
export interface Machine {
  /** What the node goes by: what its journal holds, or the failure that it could not write there yet. */
  readonly state: AgentState;
  /** True while the journal is behind `state`. */
  readonly unwritten: boolean;
  start(): void;
  /** A newer desired state waits in the inbox. */
  newer(): void;
  /** A step on the way of the work under way; it is durable when the call returns. Throws when it cannot be, and when a flip would follow an abort. */
  step(outcome: Outcome): void;
  ended(end: WorkEnd): void;
  woken(): void;
  /** Nothing more is begun; the work under way is aborted. */
  stop(): void;
  /** Once nothing is under way: notes that this end was asked for, so that it does not count against the candidate. */
  close(): void;
}

/** A committed release that could not be served is tried again after this, milliseconds. */
export const restoreEveryMs = 10_000;
/** A wait for a time by the clock looks again after this at the latest, milliseconds: clocks are set. */
export const longestWaitMs = 60_000;
/** What failed for reasons of the machine is tried again after this, milliseconds. */
export const retryEveryMs = 1_000;

/** A machine that has not begun; it goes on from what the journal holds. */
export function createMachine(ports: MachinePorts): Machine {
  const { journal, inbox } = ports;
  let working: Work | undefined;
  let started = false;
  let stopped = false;
  let paused = false;
  let aborted = false;
  let restoreAtMs = 0;
  let failure: AgentState | undefined;

  const current = (): AgentState => failure ?? journal.state;
  const write = (state: AgentState): void => {
    const before = current();
    journal.write(state);
    failure = undefined;
    ports.onState(state, before);
  };
  /** Before the swap a disk that refuses fails the candidate: what was in service never left it. Throws from the swap on. */
  const writeOrFail = (state: AgentState): void => {
    try {
      write(state);
    } catch (error) {
      if (!isBeforeSwap(state)) throw error;
      const before = current();
      const reason = { code: diskFailureCode(error) ?? 'DISK_ERROR', message: reasonOf(error) };
      failure = state.phase === 'FAILED' ? state : advance(state, { kind: 'failed', reason });
      ports.onState(failure, before);
      pause(error);
    }
  };
  const step = (outcome: Outcome): void => {
    if (outcome.kind === 'swapping' && aborted)
      throw new AtollError('CANCELLED', 'cannot swap: another desired state came before');
    const next = advance(current(), outcome);
    if (outcome.kind === 'swapping') write(next);
    else writeOrFail(next);
  };
  const takeUp = ({ assignment, payloadSha256, signedMs }: Delivery): void => {
    const lastSignedMs = Math.max(current().lastSignedMs, signedMs);
    writeOrFail(assign({ ...current(), lastSignedMs }, assignment, payloadSha256));
    ports.clock.heard(signedMs);
  };

  /** What to do now; undefined when there is nothing until something comes. */
  const nextWork = (): Work | undefined => {
    inbox.take(takeUp);
    if (paused) return undefined;
    if (failure !== undefined) write(failure);
    const { state } = journal;
    const broken = brokenRelease(state, (ref) => ports.serves(ref));
    if (broken !== undefined && ports.monotonicMs() >= restoreAtMs) {
      restoreAtMs = ports.monotonicMs() + restoreEveryMs;
      return { kind: 'restore', active: broken };
    }
    const action = nextAction(state, ports.clock.nowMs());
    switch (action.kind) {
      case 'wait': {
        const later = action.untilMs === 0 ? longestWaitMs : action.untilMs - ports.clock.nowMs();
        if (broken !== undefined) ports.wakeAfter(restoreEveryMs);
        else if (action.untilMs !== 0) ports.wakeAfter(Math.min(Math.max(1, later), longestWaitMs));
        return undefined;
      }
      case 'give-up':
        step({ kind: 'failed', reason: action.reason });
        return undefined;
      case 'fetch': {
        step({ kind: 'fetching' });
        if (failure !== undefined) return undefined;
        const keep = [state.active, state.previous].filter((ref) => ref !== undefined);
        return { kind: 'fetch', candidate: action.candidate, keep, prepareMs: action.soak.prepareDeadlineMs };
      }
      case 'activate': {
        const before = state.active?.model === action.candidate.model ? state.active : undefined;
        return { kind: 'activate', candidate: action.candidate, before };
      }
      case 'soak':
        return { kind: 'soak', candidate: action.candidate, soak: action.soak, baseline: state.baseline };
      case 'revert':
        return { kind: 'revert', candidate: action.candidate, state };
    }
  };

  const begin = (work: Work | undefined): void => {
    working = work;
    aborted = false;
    if (work !== undefined) ports.begin(work);
  };
  const pause = (error: unknown): void => {
    paused = true;
    ports.onFailure(error);
    ports.wakeAfter(retryEveryMs);
  };
  const go = (): void => {
    if (!started || stopped || paused || working !== undefined) return;
    try {
      begin(nextWork());
    } catch (error) {
      // The journal could not be written, so nothing was decided: the same comes again.
      pause(error);
    }
  };

  const abort = (): void => {
    if (working === undefined || !isAbortable(working)) return;
    aborted = true;
    ports.abort();
  };

  return {
    get state() {
      return current();
    },
    get unwritten() {
      return failure !== undefined;
    },
    step,
    start() {
      started = true;
      go();
    },
    newer() {
      abort();
      go();
    },
    ended(end) {
      working = undefined;
      if (end.kind === 'again') pause(end.error);
      else if (end.kind === 'outcome') {
        const before = current().active?.model;
        try {
          step(end.outcome);
          const retired = before !== undefined && before !== current().active?.model;
          if (retired) return begin({ kind: 'retire', model: before });
        } catch (error) {
          pause(error);
        }
      }
      go();
    },
    woken() {
      paused = false;
      go();
    },
    stop() {
      stopped = true;
      abort();
    },
    close() {
      if (journal.state.phase === 'SOAKING') journal.write(advance(journal.state, { kind: 'abandoned' }));
    },
  };
}

/** Up to the flip, and after a failure that came before it. */
function isBeforeSwap({ phase }: AgentState): boolean {
  return phase === 'ASSIGNED' || phase === 'DOWNLOADING' || phase === 'SELFTEST' || phase === 'FAILED';
}

function isAbortable({ kind }: Work): boolean {
  return kind !== 'revert' && kind !== 'retire';
}

/** The committed release when it should serve and does not. */
function brokenRelease({ phase, active }: AgentState, serves: (ref: ModelRef) => boolean): ModelRef | undefined {
  const trying = phase === 'SWAPPING' || phase === 'SOAKING' || phase === 'ROLLING_BACK';
  return trying || active === undefined || serves(active) ? undefined : active;
}

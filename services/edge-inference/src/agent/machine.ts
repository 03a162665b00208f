/**
 * The loop of an agent as a synchronous machine: it takes the next action of the state machine, has it done, writes down what came
 * of it, and goes on. One piece of work at a time; a newer desired state has it given up, and is taken up before the next begins.
 * Nothing is begun or told before what led to it is in the journal. Whoever drives it does the work and keeps the time: here are no
 * promises, timers, clocks or random numbers, so that the same machine runs in real and in simulated time.
 */
import { advance, type AgentState, assign, type ModelRef, nextAction, type Outcome, type Soak } from './decide.js';
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
  | { readonly kind: 'soak'; readonly candidate: ModelRef; readonly soak: Soak }
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
  /** A new state is in the journal. */
  onState(state: AgentState, before: AgentState): void;
  /** Something of this machine failed, a disk most likely; it is tried again. */
  onFailure(error: unknown): void;
}

/** See the head of the file. */
export interface Machine {
  start(): void;
  /** A newer desired state waits in the inbox. */
  newer(): void;
  /** A step on the way of the work under way; it is durable when the call returns, and throws when it cannot be. */
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
/** What failed for reasons of the machine is tried again after this, milliseconds. */
export const retryEveryMs = 1_000;

/** A machine that has not begun; it goes on from what the journal holds. */
export function createMachine(ports: MachinePorts): Machine {
  const { journal, inbox } = ports;
  let working: Work | undefined;
  let started = false;
  let stopped = false;
  let paused = false;
  let restoreAtMs = 0;

  const write = (state: AgentState): void => {
    const before = journal.state;
    journal.write(state);
    ports.onState(state, before);
  };
  const step = (outcome: Outcome): void => write(advance(journal.state, outcome));
  const takeUp = ({ assignment, payloadSha256, signedMs }: Delivery): void => {
    const lastSignedMs = Math.max(journal.state.lastSignedMs, signedMs);
    write(assign({ ...journal.state, lastSignedMs }, assignment, payloadSha256));
  };

  /** What to do now; undefined when there is nothing until something comes. */
  const nextWork = (): Work | undefined => {
    inbox.take(takeUp);
    const { state } = journal;
    const broken = brokenRelease(state, (ref) => ports.serves(ref));
    if (broken !== undefined && ports.monotonicMs() >= restoreAtMs) {
      restoreAtMs = ports.monotonicMs() + restoreEveryMs;
      return { kind: 'restore', active: broken };
    }
    const action = nextAction(state);
    switch (action.kind) {
      case 'wait':
        if (broken !== undefined) ports.wakeAfter(restoreEveryMs);
        return undefined;
      case 'fetch': {
        step({ kind: 'fetching' });
        const keep = [state.active, state.previous].filter((ref) => ref !== undefined);
        return { kind: 'fetch', candidate: action.candidate, keep, prepareMs: action.soak.prepareDeadlineMs };
      }
      case 'activate': {
        const before = state.active?.model === action.candidate.model ? state.active : undefined;
        return { kind: 'activate', candidate: action.candidate, before };
      }
      case 'soak':
        return { kind: 'soak', candidate: action.candidate, soak: action.soak };
      case 'revert':
        return { kind: 'revert', candidate: action.candidate, state };
    }
  };

  const begin = (work: Work | undefined): void => {
    working = work;
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

  return {
    step,
    start() {
      started = true;
      go();
    },
    newer() {
      if (working !== undefined && isAbortable(working)) ports.abort();
      go();
    },
    ended(end) {
      working = undefined;
      if (end.kind === 'again') pause(end.error);
      else if (end.kind === 'outcome') {
        const before = journal.state.active?.model;
        try {
          step(end.outcome);
          const retired = before !== undefined && before !== journal.state.active?.model;
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
      if (working !== undefined && isAbortable(working)) ports.abort();
    },
    close() {
      if (journal.state.phase === 'SOAKING') journal.write(advance(journal.state, { kind: 'abandoned' }));
    },
  };
}

function isAbortable({ kind }: Work): boolean {
  return kind !== 'revert' && kind !== 'retire';
}

/** The committed release when it should serve and does not. */
function brokenRelease({ phase, active }: AgentState, serves: (ref: ModelRef) => boolean): ModelRef | undefined {
  const trying = phase === 'SWAPPING' || phase === 'SOAKING' || phase === 'ROLLING_BACK';
  return trying || active === undefined || serves(active) ? undefined : active;
}

/**
 * What a node does about its desired state, as pure steps over what its journal keeps.
 *
 *   STEADY -> ASSIGNED -> DOWNLOADING -> SELFTEST -> SWAPPING -> SOAKING -> STEADY     (candidate becomes active)
 *        up to SELFTEST a failure is FAILED: the active version never left service
 *        from SWAPPING on a failure is ROLLING_BACK -> ROLLED_BACK: the active version serves again
 *
 * A release that was condemned, by its self-test or its soak, is refused until a desired state asks for a higher attempt.
 * `active` changes in one place only, when a soak passes, so that a restart at any moment serves the old or the new
 * committed version. A newer generation is taken up between two actions; the agent aborts the running one for it.
 * Never here: clocks, files, signatures.
 */

import { judgeVersion, raisedFloor } from '@atoll/release/floor';

/** Where a node is with its candidate. */
export type Phase =
  | 'STEADY'
  | 'ASSIGNED'
  | 'DOWNLOADING'
  | 'SELFTEST'
  | 'SWAPPING'
  | 'SOAKING'
  | 'FAILED'
  | 'ROLLING_BACK'
  | 'ROLLED_BACK';

/** One release. */
export interface ModelRef {
  readonly model: string;
  readonly version: bigint;
  readonly manifestSha256: string;
}

/** How a candidate is judged; the words of the desired state. */
export interface Soak {
  readonly durationMs: number;
  readonly minRequests: number;
  readonly maxErrorRate: number;
  readonly maxLatencyRatio: number;
  readonly prepareDeadlineMs: number;
}

/** A verified desired state. */
export interface Assignment {
  readonly generation: bigint;
  readonly rollout: string;
  readonly target: ModelRef;
  readonly downgradeOk: boolean;
  /** Rises when people want the same release tried again. */
  readonly attempt: number;
  /** Nothing is begun before it, milliseconds since the Unix epoch; 0 = at once. */
  readonly notBeforeMs: number;
  /** Nothing is begun after it, milliseconds since the Unix epoch; 0 = not known. */
  readonly expiresMs: number;
  readonly soak: Soak;
}

/** Why a node failed or rolled back. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** A release that the node refuses up to an attempt. */
export interface Denied {
  readonly manifestSha256: string;
  readonly attempt: number;
  /** Why it was condemned. */
  readonly code: string;
}

/** Numbers of the version before at the moment of the swap. */
export interface Baseline {
  readonly requests: number;
  readonly errors: number;
  readonly crashes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** All that a node remembers across restarts. */
export interface AgentState {
  readonly phase: Phase;
  /** The committed release: what a start serves. */
  readonly active: ModelRef | undefined;
  /** The one committed before it; its files are kept. */
  readonly previous: ModelRef | undefined;
  /** The release that is being prepared, tried or undone. */
  readonly candidate: ModelRef | undefined;
  /** The newest desired state that was accepted. */
  readonly assignment: Assignment | undefined;
  readonly lastGeneration: bigint;
  /** SHA-256 of the payload that carried lastGeneration. */
  readonly lastPayloadSha256: string;
  /** The latest signed time seen, milliseconds since the Unix epoch: the node's idea of now is never before it. */
  readonly lastSignedMs: number;
  /** By model, the version below which the node never goes again. */
  readonly floors: Readonly<Record<string, bigint>>;
  /** Starts of the process since the candidate began to be tried. */
  readonly bootCount: number;
  readonly reason: Reason | undefined;
  /** The newest last, at most maxDenied. */
  readonly denied: readonly Denied[];
  /** What the candidate, or the release that took its place for good, is compared with. */
  readonly baseline: Baseline | undefined;
}

/** What the agent has to do next; at most one thing at a time. */
export type Action =
  /** `untilMs`: when there is more to do though nothing comes, milliseconds since the Unix epoch; 0 = never. */
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** It must not be begun any more. */
  | { readonly kind: 'give-up'; readonly reason: Reason }
  | { readonly kind: 'fetch' | 'activate' | 'soak'; readonly candidate: ModelRef; readonly soak: Soak }
  | { readonly kind: 'revert'; readonly candidate: ModelRef };

/** How an action went on or ended. */
export type Outcome =
  | { readonly kind: 'fetching' }
  | { readonly kind: 'fetched' }
  /** The flip comes next; `baseline` are the numbers of the version of the same model that serves. */
  | { readonly kind: 'swapping'; readonly baseline?: Baseline }
  | { readonly kind: 'activated' }
  /** An action before the swap failed. */
  | { readonly kind: 'failed'; readonly reason: Reason }
  /** The action was given up for a newer generation before it changed what serves. */
  | { readonly kind: 'abandoned' }
  /** The soak passed; `floor` is what the release asks for, 0 = none. */
  | { readonly kind: 'passed'; readonly floor: bigint }
  /** The soak failed. */
  | { readonly kind: 'condemned'; readonly reason: Reason }
  | { readonly kind: 'reverted' };

/** Starts after which a candidate that was being tried is given up. */
export const maxBootCount = 2;
/** Condemned releases that are remembered; of more, the oldest are forgotten. */
export const maxDenied = 32;
/** What a self-test says of the release itself, and not of this node or its surroundings. */
const condemning = new Set(['BAD_PACKAGE', 'LOAD_FAILED', 'CRASHED', 'GOLDEN_MISMATCH', 'TOO_SLOW']);

/** A node that has never heard anything. */
export const emptyState: AgentState = {
  phase: 'STEADY',
  active: undefined,
  previous: undefined,
  candidate: undefined,
  assignment: undefined,
  lastGeneration: 0n,
  lastPayloadSha256: '',
  lastSignedMs: 0,
  floors: {},
  bootCount: 0,
  reason: undefined,
  denied: [],
  baseline: undefined,
};

/** Takes up a newer desired state. Called between two actions; what is being tried is undone first. */
export function assign(state: AgentState, assignment: Assignment, payloadSha256: string): AgentState {
  const heard: AgentState = {
    ...state,
    assignment,
    lastGeneration: assignment.generation,
    lastPayloadSha256: payloadSha256,
    reason: undefined,
  };
  if (state.phase === 'SOAKING' && sameRelease(state.candidate, assignment.target)) return heard;
  if (state.phase === 'SWAPPING' || state.phase === 'SOAKING' || state.phase === 'ROLLING_BACK') {
    return { ...heard, phase: 'ROLLING_BACK' };
  }
  return settle(heard, assignment);
}

/** What to do now; `nowMs` in milliseconds since the Unix epoch. */
export function nextAction({ phase, candidate, assignment }: AgentState, nowMs: number): Action {
  if (candidate === undefined) return { kind: 'wait', untilMs: 0 };
  if (phase === 'ROLLING_BACK') return { kind: 'revert', candidate };
  if (assignment === undefined) return { kind: 'wait', untilMs: 0 };
  const { soak, notBeforeMs, expiresMs } = assignment;
  if (phase === 'ASSIGNED') {
    if (nowMs < notBeforeMs) return { kind: 'wait', untilMs: notBeforeMs };
    if (expiresMs !== 0 && nowMs > expiresMs) {
      const message = `desired state ${assignment.generation} expired before it could be begun`;
      return { kind: 'give-up', reason: { code: 'EXPIRED', message } };
    }
  }
  if (phase === 'ASSIGNED' || phase === 'DOWNLOADING') return { kind: 'fetch', candidate, soak };
  if (phase === 'SELFTEST' || phase === 'SWAPPING') return { kind: 'activate', candidate, soak };
  if (phase === 'SOAKING') return { kind: 'soak', candidate, soak };
  return { kind: 'wait', untilMs: 0 };
}

/** The state after an action went on or ended. */
export function advance(state: AgentState, outcome: Outcome): AgentState {
  switch (outcome.kind) {
    case 'fetching':
      return { ...state, phase: 'DOWNLOADING' };
    case 'fetched':
      return { ...state, phase: 'SELFTEST' };
    case 'swapping':
      return { ...state, phase: 'SWAPPING', baseline: better(state.baseline, outcome.baseline) };
    case 'activated':
      return { ...state, phase: 'SOAKING' };
    case 'failed':
      return fail(state, outcome.reason);
    case 'abandoned':
      return { ...state, phase: 'ASSIGNED' };
    case 'passed':
      return commit(state, outcome.floor);
    case 'condemned':
      return { ...deny(state, outcome.reason), phase: 'ROLLING_BACK', reason: outcome.reason };
    case 'reverted':
      return undone(state);
  }
}

/** The state in which a process starts that ended in `state`; whatever was in service then, `active` is served first. */
export function atStart(state: AgentState): AgentState {
  switch (state.phase) {
    case 'ROLLING_BACK':
      return undone(state);
    case 'DOWNLOADING':
      return { ...state, phase: 'ASSIGNED' };
    case 'SELFTEST':
    case 'SWAPPING':
    case 'SOAKING': {
      const bootCount = state.bootCount + 1;
      if (bootCount <= maxBootCount) return { ...state, phase: 'ASSIGNED', bootCount };
      const reason = { code: 'CRASHED', message: `the node ended ${bootCount} times while it was trying the release` };
      return { ...deny(state, reason), phase: 'ROLLED_BACK', reason, candidate: undefined, bootCount: 0 };
    }
    case 'STEADY':
    case 'ASSIGNED':
    case 'FAILED':
    case 'ROLLED_BACK':
      return state;
  }
}

function settle(state: AgentState, assignment: Assignment): AgentState {
  const { target } = assignment;
  const idle = { ...state, candidate: undefined, bootCount: 0 };
  const reason = refusal(state, assignment);
  if (reason !== undefined) return { ...idle, phase: 'FAILED', reason };
  if (sameRelease(state.active, target)) return { ...idle, phase: 'STEADY' };
  const denied = denial(state, assignment);
  if (denied !== undefined) return { ...idle, phase: 'FAILED', reason: denied };
  return { ...idle, phase: 'ASSIGNED', candidate: target, baseline: undefined };
}

function refusal({ active, floors }: AgentState, { target, downgradeOk }: Assignment): Reason | undefined {
  const { model, version } = target;
  const floor = floors[model] ?? 0n;
  const current = active?.model === model ? active.version : 0n;
  switch (judgeVersion({ version, downgradeOk }, { current, floor })) {
    case 'below-floor':
      return { code: 'BELOW_FLOOR', message: `version ${version} is below the floor of ${floor}` };
    case 'downgrade':
      return {
        code: 'DOWNGRADE',
        message: `version ${version} is below the present ${current}, no downgrade is allowed`,
      };
    case 'ok':
      return undefined;
  }
}

function denial({ denied }: AgentState, { target, attempt }: Assignment): Reason | undefined {
  const found = denied.find(({ manifestSha256 }) => manifestSha256 === target.manifestSha256);
  if (found === undefined || attempt > found.attempt) return undefined;
  const message = `this node condemned the release with ${found.code} at attempt ${found.attempt}; it takes a higher attempt than ${attempt}`;
  return { code: 'DENIED', message };
}

/** The release that is being tried is refused from now on, up to the present attempt. */
function deny(state: AgentState, { code }: Reason): AgentState {
  const { candidate, assignment, denied } = state;
  if (candidate === undefined) return state;
  const { manifestSha256 } = candidate;
  const entry = { manifestSha256, attempt: assignment?.attempt ?? 0, code };
  return { ...state, denied: [...allowing(denied, manifestSha256), entry].slice(-maxDenied) };
}

function allowing(denied: readonly Denied[], manifestSha256: string): readonly Denied[] {
  return denied.filter((entry) => entry.manifestSha256 !== manifestSha256);
}

function fail(state: AgentState, reason: Reason): AgentState {
  const tested = state.phase === 'SELFTEST' || state.phase === 'SWAPPING';
  const judged = tested && condemning.has(reason.code) ? deny(state, reason) : state;
  return { ...judged, phase: 'FAILED', reason, candidate: undefined, bootCount: 0 };
}

/** After a restart within a trial the numbers from before it say more than those of a version that has just begun again. */
function better(kept: Baseline | undefined, fresh: Baseline | undefined): Baseline | undefined {
  return kept !== undefined && kept.requests > (fresh?.requests ?? 0) ? kept : fresh;
}

function commit(state: AgentState, floor: bigint): AgentState {
  const { active, candidate, floors, denied } = state;
  if (candidate === undefined) return state;
  const raised = raisedFloor(floors[candidate.model] ?? 0n, { minVersionFloor: floor });
  return {
    ...state,
    phase: 'STEADY',
    active: candidate,
    previous: active,
    candidate: undefined,
    floors: { ...floors, [candidate.model]: raised },
    denied: allowing(denied, candidate.manifestSha256),
    bootCount: 0,
  };
}

/** After a revert: a reason says that the candidate failed, none that a newer generation pushed it aside. */
function undone(state: AgentState): AgentState {
  if (state.reason === undefined && state.assignment !== undefined) return settle(state, state.assignment);
  return { ...state, phase: 'ROLLED_BACK', candidate: undefined, bootCount: 0 };
}

function sameRelease(a: ModelRef | undefined, b: ModelRef): boolean {
  return a !== undefined && a.model === b.model && a.manifestSha256 === b.manifestSha256;
}

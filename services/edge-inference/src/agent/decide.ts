/**
 * What a node does about its desired state, as pure steps over what its journal keeps.
 *
 *   STEADY -> ASSIGNED -> DOWNLOADING -> SELFTEST -> SWAPPING -> SOAKING -> STEADY     (candidate becomes active)
 *        up to SELFTEST a failure is FAILED: the active version never left service
 *        from SWAPPING on a failure is ROLLING_BACK -> ROLLED_BACK: the active version serves again
 *
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
  readonly soak: Soak;
}

/** Why a node failed or rolled back. */
export interface Reason {
  readonly code: string;
  readonly message: string;
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
}

/** What the agent has to do next; at most one thing at a time. */
export type Action =
  | { readonly kind: 'wait' }
  | { readonly kind: 'fetch' | 'activate' | 'soak'; readonly candidate: ModelRef; readonly soak: Soak }
  | { readonly kind: 'revert'; readonly candidate: ModelRef };

/** How an action went on or ended. */
export type Outcome =
  | { readonly kind: 'fetching' }
  | { readonly kind: 'fetched' }
  | { readonly kind: 'swapping' }
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

/** What to do now. */
export function nextAction({ phase, candidate, assignment }: AgentState): Action {
  if (candidate === undefined) return { kind: 'wait' };
  if (phase === 'ROLLING_BACK') return { kind: 'revert', candidate };
  if (assignment === undefined) return { kind: 'wait' };
  const { soak } = assignment;
  if (phase === 'ASSIGNED' || phase === 'DOWNLOADING') return { kind: 'fetch', candidate, soak };
  if (phase === 'SELFTEST' || phase === 'SWAPPING') return { kind: 'activate', candidate, soak };
  if (phase === 'SOAKING') return { kind: 'soak', candidate, soak };
  return { kind: 'wait' };
}

/** The state after an action went on or ended. */
export function advance(state: AgentState, outcome: Outcome): AgentState {
  switch (outcome.kind) {
    case 'fetching':
      return { ...state, phase: 'DOWNLOADING' };
    case 'fetched':
      return { ...state, phase: 'SELFTEST' };
    case 'swapping':
      return { ...state, phase: 'SWAPPING' };
    case 'activated':
      return { ...state, phase: 'SOAKING' };
    case 'failed':
      return { ...state, phase: 'FAILED', reason: outcome.reason, candidate: undefined, bootCount: 0 };
    case 'abandoned':
      return { ...state, phase: 'ASSIGNED' };
    case 'passed':
      return commit(state, outcome.floor);
    case 'condemned':
      return { ...state, phase: 'ROLLING_BACK', reason: outcome.reason };
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
      return { ...state, phase: 'ROLLED_BACK', reason, candidate: undefined, bootCount: 0 };
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
  return { ...idle, phase: 'ASSIGNED', candidate: target };
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

function commit(state: AgentState, floor: bigint): AgentState {
  const { active, candidate, floors } = state;
  if (candidate === undefined) return state;
  const raised = raisedFloor(floors[candidate.model] ?? 0n, { minVersionFloor: floor });
  return {
    ...state,
    phase: 'STEADY',
    active: candidate,
    previous: active,
    candidate: undefined,
    floors: { ...floors, [candidate.model]: raised },
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

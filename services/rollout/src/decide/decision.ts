import type { Standing } from './rollout.js';

/** What is to be done; each is durable before anything of it leaves the controller. */
export type Action =
  | { readonly kind: 'assign'; readonly wave: number; readonly nodeIds: readonly string[] }
  /** All nodes of the wave are judged: its soak begins. */
  | { readonly kind: 'settle-wave'; readonly wave: number }
  | { readonly kind: 'pass-wave'; readonly wave: number; readonly evidence: Evidence }
  | { readonly kind: 'revert'; readonly nodeIds: readonly string[] }
  /** The same for nodes of a rollout that is over by that, so that nothing later would send them back. */
  | { readonly kind: 'recall'; readonly nodeIds: readonly string[] }
  /** Failures of these nodes count no more. */
  | { readonly kind: 'acknowledge'; readonly nodeIds: readonly string[] }
  /** These nodes are as if they had never been assigned, but for one attempt more. */
  | { readonly kind: 'reset'; readonly nodeIds: readonly string[] }
  /** This wave and all after it are not settled and not passed. */
  | { readonly kind: 'reopen-waves'; readonly from: number };

/** The numbers on which a wave passed. */
export interface Evidence {
  readonly committed: number;
  readonly failed: number;
  readonly acknowledged: number;
  readonly offline: number;
  readonly failureRate: number;
  /** What the failure rate is at least. */
  readonly failureRateAtLeast: number;
  readonly maxFailureRate: number;
  readonly soakMs: number;
  readonly metrics: 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'not judged';
  readonly metricNumbers: readonly string[];
  /** A person promoted it past what it waited for. */
  readonly promoted: boolean;
}

/** What a rollout waits for. */
export interface Wait {
  readonly kind:
    'nodes' | 'budget' | 'offline' | 'soak' | 'metrics' | 'approval' | 'person' | 'broker' | 'fleet' | 'controller';
  readonly message: string;
  readonly nodeIds: readonly string[];
  readonly sinceMs: number;
  /** When it is over by itself; 0 = not known. */
  readonly untilMs: number;
}

/** The next standing and what goes with it. */
export interface Decision {
  readonly standing: Standing;
  readonly actions: readonly Action[];
  /** Empty when there is something to do, or nothing more. */
  readonly waits: readonly Wait[];
}

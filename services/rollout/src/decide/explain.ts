/** The rules in words: what a rollout waits for, what it would do next, and what a person can do about it. */
import type { Board } from './board.js';
import { describeBudgets } from './budget.js';
import { decide } from './decide.js';
import type { Action, Wait } from './decision.js';
import type { FleetView } from './fleet-view.js';
import { failureNumbers, percent } from './gates.js';
import { isFinal, type Rollout } from './rollout.js';
import { count } from './standing.js';
import { judged } from './wave-gate.js';

/** A rollout in words. */
export interface Explanation {
  readonly waits: readonly Wait[];
  /** In order. */
  readonly next: readonly string[];
  /** What the gates say now, with their numbers. */
  readonly evidence: readonly string[];
  /** Verbs of the command line that would change something. */
  readonly verbs: readonly string[];
}

/** Asks the rules, and does nothing. */
export function explain(rollout: Rollout, board: Board, fleet: FleetView): Explanation {
  const { standing, actions, waits } = decide(rollout, board, fleet);
  const now = actions.map((action) => `now: ${describeAction(action, rollout)}`);
  const turns = standing.phase === rollout.standing.phase ? [] : [`then it is ${standing.phase}: ${standing.message}`];
  return {
    waits,
    next: [...now, ...turns, ...(isFinal(standing.phase) ? [] : ahead({ ...rollout, standing }))],
    evidence: evidenceOf(rollout, board, fleet),
    verbs: verbsOf(rollout, board),
  };
}

function describeAction(action: Action, { waves, spec }: Rollout): string {
  switch (action.kind) {
    case 'assign':
      return `version ${spec.target.version} for ${count(action.nodeIds.length, 'node')} of wave ${action.wave} of ${waves.length}`;
    case 'settle-wave':
      return `all nodes of wave ${action.wave} are judged, its soak begins`;
    case 'pass-wave':
      return `wave ${action.wave} of ${waves.length} passes`;
    case 'revert':
    case 'recall':
      return `${count(action.nodeIds.length, 'node')} sent back to the version before`;
    case 'acknowledge':
      return `${count(action.nodeIds.length, 'failure')} acknowledged`;
    case 'reset':
      return `${count(action.nodeIds.length, 'node')} to try again`;
    case 'reopen-waves':
      return `waves from ${action.from} on begin again`;
  }
}

/** What a wave comes to after its nodes, in order, by what a rollout says while it waits for it. */
const stages = ['WaveSoaking', 'WaitingForMetrics', 'MetricsInconclusive', 'WaitingForApproval'];

/** What is ahead of it when all goes well. */
function ahead({ standing, spec, waves }: Rollout): string[] {
  if (standing.phase === 'Reverting') return ['when all that can be reached are back, it is reverted'];
  const wave = Math.max(1, standing.wave);
  const judge = `stops it when more than ${percent(spec.maxFailureRate)} of the judged nodes fail (${percent(spec.confidence)} sure)`;
  const most = spec.maxFailures > 0 ? `, or ${count(spec.maxFailures, 'node')}` : '';
  const then = spec.onFailure === 'keep' ? 'keep what they have' : 'go back';
  const steps = [`the failure gate ${judge}${most}; then the nodes ${then}`];
  const stage = stages.indexOf(standing.reason);
  if (!standing.full && standing.promoted < wave) {
    if (stage < 0 && spec.waveSoakMs > 0)
      steps.push(`wave ${wave} soaks for ${spec.waveSoakMs} ms after its last node`);
    if (stage < 1 && spec.metrics !== undefined) steps.push(`wave ${wave} is judged by its numbers`);
    if (stage < 3 && spec.approve && wave < waves.length) steps.push(`wave ${wave + 1} waits for approval`);
  }
  const budgets = describeBudgets(spec);
  const within = budgets === '' ? '' : `, ${budgets}`;
  if (standing.full) steps.push(`every node gets the version${within}; only failures stop it`);
  else if (wave < waves.length) steps.push(`wave ${wave + 1} of ${waves.length} begins${within}`);
  else steps.push('it is complete');
  return steps;
}

function evidenceOf(rollout: Rollout, board: Board, fleet: FleetView): string[] {
  const { spec, standing, waves } = rollout;
  const { failed, judged: number, rate, atLeast } = failureNumbers(spec, board);
  const acknowledged = board.acknowledgedCount();
  const besides = acknowledged === 0 ? '' : `, ${acknowledged} acknowledged`;
  const limit = `${percent(spec.maxFailureRate)} are allowed`;
  const failures = `failures: ${failed} of ${number} judged, ${percent(rate)}, at least ${percent(atLeast)}, ${limit}${besides}`;
  const passed = waves.flatMap(({ evidence }, index) =>
    evidence === '' ? [] : [`wave ${index + 1} passed: ${evidence}`],
  );
  if (isFinal(standing.phase) || standing.wave === 0) return [...passed, failures];
  const { verdict, numbers } = judged(rollout, standing.wave, fleet);
  const said = spec.metrics === undefined ? 'not judged' : verdict;
  return [...passed, failures, `numbers of wave ${standing.wave}: ${said}: ${numbers.join('; ')}`];
}

function verbsOf({ standing, spec }: Rollout, board: Board): string[] {
  const { name } = spec;
  const { phase, reason } = standing;
  const counts = board.counts();
  const failed = counts.FAILED + counts.ROLLED_BACK + counts.TIMED_OUT > 0;
  const retry = failed ? [`retry ${name}`] : [];
  if (phase === 'Reverting') return [`abort ${name} --policy keep`];
  if (phase === 'Reverted' || phase === 'Aborted')
    return [`retry ${name}`, ...(phase === 'Aborted' ? [`undo ${name}`] : [])];
  if (phase === 'Complete') return [...retry, `undo ${name}`];
  const resume = phase === 'Paused' && reason !== 'WaitingForApproval' ? [`resume ${name}`] : [];
  const pause = phase === 'Paused' ? [] : [`pause ${name}`];
  return [...resume, `promote ${name}`, `promote ${name} --full`, ...pause, ...retry, `abort ${name}`, `undo ${name}`];
}

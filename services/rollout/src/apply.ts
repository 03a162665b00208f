/**
 * Writes what was decided: in one transaction the generations with their signed states, the members, the waves, the events
 * and, last, the standing. Nothing leaves the controller before it is committed.
 */
import { revertSoak } from './decide/admission.js';
import type { MemberChange } from './decide/changes.js';
import type { Action, Decision, Evidence } from './decide/decision.js';
import type { FleetView, Target } from './decide/fleet-view.js';
import { percent } from './decide/gates.js';
import { controlOf } from './decide/metric-gate.js';
import { type Member, type Outcome, type Rollout, type Standing, untold } from './decide/rollout.js';
import type { Director, Order } from './director.js';
import type { DurableStores } from './state/stores.js';

/** What is written to, and who signs what goes out of it. */
export interface Stores extends DurableStores {
  readonly director: Director;
}

/** Writes changes and decision, in the name of `actor`; gives the nodes whose desired state is new. */
export function apply(
  stores: Stores,
  rollout: Rollout,
  changes: readonly MemberChange[],
  decision: Decision,
  fleet: FleetView,
  actor = 'controller',
): readonly string[] {
  return stores.transaction(() => write(stores, rollout, changes, decision, fleet, actor));
}

/** The same within a transaction that is open already. */
export function write(
  stores: Stores,
  rollout: Rollout,
  changes: readonly MemberChange[],
  { standing, actions }: Decision,
  fleet: FleetView,
  actor: string,
): readonly string[] {
  const writer = { ...stores, rollout, fleet, note: noter(stores, rollout, fleet.nowMs) };
  for (const change of changes) writeChange(writer, change);
  const published = actions.flatMap((action) => perform(writer, action, actor));
  noteStanding(writer, standing, actor);
  stores.rollouts.write(rollout, standing, fleet.nowMs);
  return published;
}

interface Writer extends Stores {
  readonly rollout: Rollout;
  readonly fleet: FleetView;
  readonly note: (kind: string, message: string, nodeId?: string, actor?: string, evidence?: string) => void;
}

function noter({ events }: Stores, { spec }: Rollout, timeMs: number): Writer['note'] {
  return (kind, message, nodeId = '', actor = 'controller', evidence = '') =>
    events.append({ timeMs, actor, kind, rollout: spec.name, nodeId, message, evidence });
}

function writeChange({ rollouts, rollout, note }: Writer, change: MemberChange): void {
  rollouts.change(rollout, change);
  const { nodeId, ended, back } = change;
  if (ended !== undefined) {
    const { outcome, reasonCode, message } = ended;
    const said = [reasonCode, message].filter((text) => text !== '').join(': ');
    note(eventKinds[outcome], said, nodeId, outcome === 'TIMED_OUT' ? 'controller' : nodeId);
  }
  if (back === true) note('NodeBack', 'runs the version before again', nodeId, nodeId);
}

const eventKinds: Readonly<Record<Outcome, string>> = {
  COMMITTED: 'NodeCommitted',
  FAILED: 'NodeFailed',
  ROLLED_BACK: 'NodeRolledBack',
  TIMED_OUT: 'NodeTimedOut',
};

function perform(writer: Writer, action: Action, actor: string): readonly string[] {
  const { rollouts, rollout, fleet, note } = writer;
  switch (action.kind) {
    case 'assign':
      startWave(writer, action.wave);
      for (const member of membersOf(rollout, action.nodeIds)) assign(writer, member);
      return action.nodeIds;
    case 'settle-wave':
      rollouts.setWave(rollout, action.wave, { settledMs: fleet.nowMs });
      return [];
    case 'pass-wave': {
      const evidence = describeEvidence(action.evidence);
      rollouts.setWave(rollout, action.wave, { passedMs: fleet.nowMs, evidence });
      const message = `wave ${action.wave} of ${rollout.waves.length}: ${evidence}`;
      note('WavePassed', message, '', 'controller', JSON.stringify(action.evidence));
      return [];
    }
    case 'revert':
    case 'recall':
      for (const member of membersOf(rollout, action.nodeIds)) sendBack(writer, member);
      return action.nodeIds;
    case 'acknowledge':
      for (const nodeId of action.nodeIds) rollouts.setMember(rollout, nodeId, { acknowledged: true });
      note('FailuresAcknowledged', listOf(action.nodeIds), '', actor);
      return [];
    case 'reset':
      for (const { nodeId, attempt } of membersOf(rollout, action.nodeIds))
        rollouts.setMember(rollout, nodeId, { ...untold, attempt: attempt + 1 });
      note('NodesRetried', listOf(action.nodeIds), '', actor);
      return [];
    case 'reopen-waves':
      for (const index of rollout.waves.keys())
        if (index + 1 >= action.from) rollouts.setWave(rollout, index + 1, unbegun);
      return [];
  }
}

const unbegun = { startedMs: 0, settledMs: 0, passedMs: 0, evidence: '', control: {} } as const;

function startWave({ rollouts, rollout, fleet, note }: Writer, wave: number): void {
  if (rollout.waves[wave - 1]?.startedMs !== 0) return;
  const nodeIds = rollout.members.filter((member) => member.wave === wave).map(({ nodeId }) => nodeId);
  rollouts.setWave(rollout, wave, { startedMs: fleet.nowMs, control: controlOf(rollout, wave, fleet) });
  note('WaveStarted', `wave ${wave} of ${rollout.waves.length}: ${listOf(nodeIds)}`);
}

function describeEvidence(evidence: Evidence): string {
  const { committed, failed, acknowledged, offline, soakMs, metrics, metricNumbers, promoted } = evidence;
  const { failureRate, failureRateAtLeast, maxFailureRate } = evidence;
  const sure = `${percent(failureRate)} failed, at least ${percent(failureRateAtLeast)}, ${percent(maxFailureRate)} are allowed`;
  return [
    `${committed} committed, ${failed} failed, ${offline} offline`,
    ...(acknowledged === 0 ? [] : [`${acknowledged} failures acknowledged`]),
    sure,
    `soaked ${soakMs} ms`,
    `numbers ${metrics}: ${metricNumbers.join('; ')}`,
    ...(promoted ? ['promoted by a person'] : []),
  ].join('; ');
}

function assign(writer: Writer, { nodeId, attempt, wave, assignedMs, previous: first }: Member): void {
  const { rollouts, rollout, note } = writer;
  const { target, soak } = rollout.spec;
  // At another attempt the node may not be back yet: what it had before the first one is what it goes back to.
  const previous = assignedMs > 0 ? first : versionBefore(writer, nodeId);
  // Whoever asks for a version below the present one says so by name, so that it is meant.
  const downgradeOk = previous !== undefined && previous.model === target.model && target.version < previous.version;
  const generation = order(writer, nodeId, { target, downgradeOk, soak, attempt, wave });
  rollouts.assign(rollout, nodeId, { previous, generation, ...reached(writer, nodeId) });
  note('NodeAssigned', `${nameOf(target)}, generation ${generation}`, nodeId);
}

/** What the node committed; for one that has not answered yet, what a rollout that went well, or a way back, told it. */
function versionBefore({ rollouts, desired, fleet }: Writer, nodeId: string): Target | undefined {
  const node = fleet.nodes.get(nodeId);
  const told = desired.get(nodeId);
  if (told !== undefined && (node?.report?.observedGeneration ?? 0n) < told.generation) {
    const phase = rollouts.phase(told.rollout);
    if (phase === 'Complete' || phase === 'Reverted') return told.target;
    if (rollouts.member(told.rollout, nodeId)?.revertGeneration === told.generation) return told.target;
  }
  return node?.committed;
}

function membersOf({ members }: Rollout, nodeIds: readonly string[]): readonly Member[] {
  const wanted = new Set(nodeIds);
  return members.filter(({ nodeId }) => wanted.has(nodeId));
}

function sendBack(writer: Writer, { nodeId, attempt, wave, previous }: Member): void {
  const { rollouts, rollout, note } = writer;
  if (previous === undefined) return;
  const soak = revertSoak(rollout.spec.soak);
  const generation = order(writer, nodeId, { target: previous, downgradeOk: true, soak, attempt, wave });
  rollouts.revert(rollout, nodeId, { revertGeneration: generation, ...reached(writer, nodeId) });
  note('NodeSentBack', `${nameOf(previous)}, generation ${generation}`, nodeId);
}

/** Signs and stores a node's next desired state; its generation is above everything that either side has known. */
function order(
  { desired, director, rollout, fleet }: Writer,
  nodeId: string,
  what: Omit<Order, 'nodeId' | 'generation' | 'rollout'>,
): bigint {
  const { target } = what;
  const stored = desired.get(nodeId)?.generation ?? 0n;
  const known = fleet.nodes.get(nodeId)?.knownGeneration ?? 0n;
  const generation = (stored > known ? stored : known) + 1n;
  const signed = { nodeId, generation, rollout: rollout.spec.name, ...what };
  desired.put({ nodeId, generation, rollout: rollout.spec.name, target, ...director.sign(signed, fleet.nowMs) });
  return generation;
}

function reached({ fleet }: Writer, nodeId: string): { readonly assignedMs: number; readonly heardMs: number } {
  const online = fleet.nodes.get(nodeId)?.online === true;
  return { assignedMs: fleet.nowMs, heardMs: online ? fleet.nowMs : 0 };
}

/** A new phase, and whatever a person asked for. */
function noteStanding({ note, rollout }: Writer, { phase, reason, message }: Standing, actor: string): void {
  const before = rollout.standing;
  const turned = phase !== before.phase;
  if (!turned && (actor === 'controller' || reason === before.reason)) return;
  const kind = turned && reason !== 'Superseded' ? phase : reason;
  note(`Rollout${kind}`, `${reason}: ${message}`, '', actor);
}

function nameOf({ model, version }: Target): string {
  return `${model} v${version}`;
}

function listOf(nodeIds: readonly string[]): string {
  const named = nodeIds.slice(0, 10).join(', ');
  return nodeIds.length > 10 ? `${named} and ${nodeIds.length - 10} more` : named;
}

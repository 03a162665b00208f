/**
 * What a rollout does next, as a list of rules of which the first that holds decides. It reads the rollout, the verdicts on its
 * nodes and the fleet at one moment, and gives the standing to be written and the actions to be done with it. It is asked
 * again after every change and every few seconds, so no rule may rely on having been asked before.
 */
import { type Verdict, wayBack } from './classify.js';
import type { FleetView } from './fleet-view.js';
import { trippedGate } from './gates.js';
import { isFinal, type Member, type Rollout, type Standing } from './rollout.js';

/** What is to be done; each is durable before anything of it leaves the controller. */
export type Action =
  | { readonly kind: 'assign'; readonly wave: number; readonly nodeIds: readonly string[] }
  | { readonly kind: 'pass-wave'; readonly wave: number }
  | { readonly kind: 'revert'; readonly nodeIds: readonly string[] };

/** The next standing and what goes with it. */
export interface Decision {
  readonly standing: Standing;
  readonly actions: readonly Action[];
}

/** Ids that a standing names at most. */
const maxBlockedOn = 20;

/** The rules. */
export function decide(rollout: Rollout, verdicts: readonly Verdict[], fleet: FleetView): Decision {
  const { standing, spec } = rollout;
  if (isFinal(standing.phase)) return { standing, actions: [] };
  if (standing.phase === 'Reverting') return decideRevert(rollout, fleet);

  const gate = trippedGate(spec, verdicts);
  if (gate !== undefined) return beginRevert(rollout, 'TooManyFailures', gate.message);

  const wave = Math.max(1, standing.wave);
  const stay = (reason: string, message: string, blockedOn: readonly string[]): Decision => ({
    standing: {
      phase: standing.phase,
      wave: standing.wave,
      reason,
      message,
      blockedOn: blockedOn.slice(0, maxBlockedOn),
    },
    actions: [],
  });
  if (!fleet.connected)
    return stay('BrokerAway', 'the broker does not answer: nothing is assigned meanwhile', ['nats']);

  const reached = verdicts.filter((verdict) => verdict.wave <= wave);
  const unassigned = reached.filter(({ state }) => state === 'PENDING');
  if (unassigned.length > 0)
    return { standing: waiting(rollout, wave, unassigned), actions: [assign(wave, unassigned)] };

  const open = reached.filter(({ waits }) => waits);
  if (open.length > 0) return { standing: waiting(rollout, wave, open), actions: [] };

  if (!reached.some(({ state }) => state === 'COMMITTED')) {
    if (!reached.some(({ state }) => state === 'OFFLINE'))
      return beginRevert(rollout, 'NoneCommitted', `no node of wave ${wave} committed the version`);
    const ids = reached.map(({ nodeId }) => nodeId);
    return stay('WaitingForNodes', `no node of wave ${wave} can be reached, so nothing is known of the version`, ids);
  }

  const passed: Action = { kind: 'pass-wave', wave };
  const next = verdicts.filter((verdict) => verdict.wave === wave + 1);
  if (next.length > 0) return { standing: waiting(rollout, wave + 1, next), actions: [passed, assign(wave + 1, next)] };
  return { standing: complete(wave, verdicts), actions: [passed] };
}

/**
 * Stops a rollout and sends back every node that has the new version or may have it. A node that is back by itself is sent a
 * generation too, so that what it shall run is what it runs. Nodes that had nothing before keep what they have.
 */
export function beginRevert(rollout: Rollout, reason: string, message: string): Decision {
  const wave = rollout.standing.wave;
  const nodeIds = rollout.members.filter(canGoBack).map(({ nodeId }) => nodeId);
  if (nodeIds.length === 0) {
    const why = `${message}; no node has a version to go back to`;
    return { standing: { phase: 'Aborted', wave, reason, message: why, blockedOn: [] }, actions: [] };
  }
  const blockedOn = nodeIds.slice(0, maxBlockedOn);
  return { standing: { phase: 'Reverting', wave, reason, message, blockedOn }, actions: [{ kind: 'revert', nodeIds }] };
}

function decideRevert(rollout: Rollout, fleet: FleetView): Decision {
  const { standing, spec } = rollout;
  const affected = rollout.members.filter(canGoBack);
  const unsent = affected.filter(({ revertGeneration }) => revertGeneration === 0n).map(({ nodeId }) => nodeId);
  if (unsent.length > 0) return { standing, actions: [{ kind: 'revert', nodeIds: unsent }] };
  const ways = affected.map((member) => ({ id: member.nodeId, way: wayBack(member, spec, fleet) }));
  const idsOf = (...wanted: readonly string[]): string[] =>
    ways.filter(({ way }) => wanted.includes(way)).map(({ id }) => id);
  const open = idsOf('under-way');
  if (open.length > 0) return { standing: { ...standing, blockedOn: open.slice(0, maxBlockedOn) }, actions: [] };
  const rest = idsOf('stuck', 'unreached');
  const back = `${count(idsOf('back').length, 'node')} back on the version before`;
  const missing = rest.length === 0 ? '' : `, not known to be back: ${rest.slice(0, maxBlockedOn).join(', ')}`;
  return {
    standing: { ...standing, phase: 'Reverted', message: `${standing.message}; ${back}${missing}`, blockedOn: [] },
    actions: [],
  };
}

function canGoBack({ generation, previous }: Member): boolean {
  return generation > 0n && previous !== undefined;
}

function assign(wave: number, verdicts: readonly Verdict[]): Action {
  return { kind: 'assign', wave, nodeIds: verdicts.map(({ nodeId }) => nodeId) };
}

function waiting(rollout: Rollout, wave: number, open: readonly Verdict[]): Standing {
  const [first] = open;
  const doing = first === undefined || first.message === '' ? '' : `: ${first.nodeId} ${first.message}`;
  return {
    phase: 'Progressing',
    wave,
    reason: 'WaitingForWave',
    message: `wave ${wave} of ${rollout.waves.length} waits for ${count(open.length, 'node')}${doing}`,
    blockedOn: open.slice(0, maxBlockedOn).map(({ nodeId }) => nodeId),
  };
}

function complete(wave: number, verdicts: readonly Verdict[]): Standing {
  const committed = verdicts.filter(({ state }) => state === 'COMMITTED').length;
  const away = verdicts.filter(({ state }) => state === 'OFFLINE').length;
  const failed = verdicts.length - committed - away;
  const message = [
    `${count(committed, 'node')} on the version`,
    ...(failed === 0 ? [] : [`${failed} failed within what is allowed`]),
    ...(away === 0 ? [] : [`${away} not reachable, to take it on return`]),
  ].join(', ');
  return { phase: 'Complete', wave, reason: 'AllWavesPassed', message, blockedOn: [] };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

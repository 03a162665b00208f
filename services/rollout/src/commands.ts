/** What people ask for. Each is durable, with its event, when it returns. */
import { AtollError } from '@atoll/base/error';
import { apply, type Stores, write } from './apply.js';
import { admit, matches, type SpecRequest } from './decide/admission.js';
import type { Board } from './decide/board.js';
import type { Decision } from './decide/decision.js';
import type { FleetView } from './decide/fleet-view.js';
import {
  decideAbort,
  decidePause,
  decidePromote,
  decideResume,
  decideRetry,
  decideSupersede,
  decideUndo,
  type NewestDesired,
} from './decide/orders.js';
import type { AbortPolicy, Rollout, Spec } from './decide/rollout.js';
import type { Fleet, FleetMember } from './fleet/fleet.js';
import { lookAt } from './look-at.js';
import { type Candidate, planWaves } from './plan/waves.js';
import { firstPortion } from './portion.js';

/** What the commands work on. */
export interface CommandContext {
  readonly stores: Stores;
  readonly fleet: Fleet;
  /** Told of the nodes whose desired state is new, after it is durable. */
  readonly publish: (nodeIds: readonly string[]) => void;
  /** Asks for a look at everything, soon. */
  readonly kick: () => void;
  /** A name for a rollout that no other has or had. */
  readonly newUid: () => string;
}

/** The commands; `actor` is who asks, for the events. */
export interface Commands {
  /** Begins a rollout of the release with this manifest, which is known to be in the registry. */
  start(request: SpecRequest, manifestSha256: string, actor?: string): Rollout;
  pause(name: string, actor?: string): Rollout;
  resume(name: string, actor?: string): Rollout;
  promote(name: string, full: boolean, actor?: string): Rollout;
  abort(name: string, policy: AbortPolicy, actor?: string): Rollout;
  retry(name: string, actor?: string): Rollout;
  undo(name: string, actor?: string): Rollout;
}

/** Who asks when nobody says. */
const somebody = 'operator';

/** The commands over stores and fleet. */
export function createCommands(context: CommandContext): Commands {
  const { stores, fleet, publish, kick } = context;
  const { rollouts } = stores;
  const desired: NewestDesired = (nodeId) => stores.desired.get(nodeId);

  const order = (
    name: string,
    actor: string | undefined,
    decideOrder: (rollout: Rollout, board: Board, view: FleetView) => Decision,
  ): Rollout => {
    const rollout = load(stores, name);
    const view = fleet.view();
    const { board, changes } = lookAt(rollout, view);
    // What has come to be known by now is judged with: a failure that came before the order is one that it is about.
    const decision = decideOrder(rollout, board, view);
    publish(apply(stores, rollout, changes, firstPortion(decision), view, actor ?? somebody));
    kick();
    return load(stores, name);
  };

  return {
    start: (request, manifestSha256, actor = somebody) => {
      const spec = admit(request, manifestSha256, (name) => rollouts.has(name));
      publish(begin(context, spec, actor));
      kick();
      return load(stores, spec.name);
    },
    pause: (name, actor) => order(name, actor, (rollout, _, view) => decidePause(rollout, view)),
    resume: (name, actor) => order(name, actor, decideResume),
    promote: (name, full, actor) => order(name, actor, (rollout, _, view) => decidePromote(rollout, full, view)),
    abort: (name, policy, actor) =>
      order(name, actor, (rollout, board, view) => decideAbort(rollout, board, policy, view)),
    retry: (name, actor) =>
      order(name, actor, (rollout, board, view) => decideRetry(rollout, board, desired, rollouts.atWork(), view)),
    undo: (name, actor) =>
      order(name, actor, (rollout, board, view) => decideUndo(rollout, board, desired, rollouts.atWork(), view)),
  };
}

/** The rollout, or NOT_FOUND. */
export function load({ rollouts }: Pick<Stores, 'rollouts'>, name: string): Rollout {
  const rollout = rollouts.load(name);
  if (rollout !== undefined) return rollout;
  throw new AtollError('NOT_FOUND', `cannot find rollout ${JSON.stringify(name.slice(0, 80))}`);
}

/** Plans the waves, ends the rollout that was at work on the model, and writes both at once; gives the nodes called back. */
function begin({ stores, fleet, newUid }: CommandContext, spec: Spec, actor: string): readonly string[] {
  const { rollouts, events } = stores;
  const view = fleet.view();
  const members = fleet.members().filter(({ node }) => matches(spec.selector, node.labels));
  if (members.length === 0) throw refused(spec, 'no node of the fleet has the labels that it asks for');
  const nodes = members.map((member) => candidateOf(member, spec, view));
  const uid = newUid();
  const plan = planWaves(uid, nodes, spec.waves);
  const atWork = rollouts.atWork();
  refuseOverlap(spec, new Set(plan.flat()), atWork);
  const message = `${spec.target.model} v${spec.target.version} to ${plan.flat().length} nodes in ${plan.length} waves`;
  return stores.transaction(() => {
    const recalled = atWork
      .filter((other) => other.spec.target.model === spec.target.model)
      .flatMap((other) => supersede(stores, other, spec, view, actor));
    const said = { phase: 'Pending', wave: 0, reason: 'Accepted', message, blockedOn: ['controller'] } as const;
    const standing = { ...said, sinceMs: view.nowMs, promoted: 0, full: false };
    // A node that condemned the release in a rollout before is asked to try it once more: somebody wants that.
    const attempt = rollouts.attempts(spec.target.manifestSha256) + 1;
    rollouts.add({ uid, spec, plan, standing, attempt, createdMs: view.nowMs });
    events.append({ timeMs: view.nowMs, actor, kind: 'RolloutStarted', rollout: spec.name, nodeId: '', message });
    return recalled;
  });
}

/** A node as the plan sees it: its hardware is what its label says, or else the runtime that serves on it. */
function candidateOf({ node, report }: FleetMember, { siteLabel }: Spec, view: FleetView): Candidate {
  const { id, labels } = node;
  const hardware = labels['hardware'] ?? report?.backend ?? '';
  const away = view.silenceCounts && view.nodes.get(id)?.online !== true;
  return { id, hardware, site: labels[siteLabel] ?? '', away };
}

function supersede(stores: Stores, other: Rollout, { name }: Spec, view: FleetView, actor: string): readonly string[] {
  const { board, changes } = lookAt(other, view);
  return write(stores, other, changes, decideSupersede(other, board, name, view), view, actor);
}

/** A node runs one model: two rollouts of different models would take it from each other for ever. */
function refuseOverlap(spec: Spec, ids: ReadonlySet<string>, atWork: readonly Rollout[]): void {
  for (const other of atWork) {
    if (other.spec.target.model === spec.target.model) continue;
    const shared = other.members.find(({ nodeId }) => ids.has(nodeId));
    if (shared !== undefined) throw refused(spec, `node ${shared.nodeId} is part of rollout ${other.spec.name}`);
  }
}

function refused({ name }: Spec, reason: string): AtollError {
  return new AtollError('FAILED_PRECONDITION', `cannot start rollout ${name}: ${reason}`);
}

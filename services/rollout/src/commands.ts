/** What people ask for: begin, stop, undo. Each is durable, with its event, when it returns. */
import { AtollError } from '@atoll/base/error';
import { apply, type Stores } from './apply.js';
import { admit, matches, type SpecRequest } from './decide/admission.js';
import { classify } from './decide/classify.js';
import { memberChanges } from './decide/changes.js';
import type { Decision } from './decide/decide.js';
import { type AbortPolicy, decideAbort, decideUndo } from './decide/orders.js';
import type { Rollout, Spec } from './decide/rollout.js';
import type { Fleet } from './fleet/fleet.js';
import { firstPortion } from './portion.js';
import { planWaves } from './plan/waves.js';

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

/** The commands. */
export interface Commands {
  /** Begins a rollout of the release with this manifest, which is known to be in the registry. */
  start(request: SpecRequest, manifestSha256: string): Rollout;
  abort(name: string, policy: AbortPolicy): Rollout;
  undo(name: string): Rollout;
}

const actor = 'operator';

/** The commands over stores and fleet. */
export function createCommands(context: CommandContext): Commands {
  const { stores, fleet, publish, kick } = context;
  const { rollouts, desired } = stores;

  const order = (name: string, decideOrder: (rollout: Rollout) => Decision): Rollout => {
    const rollout = load(stores, name);
    const view = fleet.view();
    const verdicts = classify(rollout, view);
    publish(
      apply(stores, rollout, memberChanges(rollout, verdicts, view), firstPortion(decideOrder(rollout)), view, actor),
    );
    kick();
    return load(stores, name);
  };

  return {
    start: (request, manifestSha256) => {
      const spec = admit(request, manifestSha256, (name) => rollouts.has(name));
      begin(context, spec);
      kick();
      return load(stores, spec.name);
    },
    abort: (name, policy) => order(name, (rollout) => decideAbort(rollout, policy)),
    undo: (name) => order(name, (rollout) => decideUndo(rollout, (id) => desired.get(id), rollouts.atWork())),
  };
}

/** The rollout, or NOT_FOUND. */
export function load({ rollouts }: Pick<Stores, 'rollouts'>, name: string): Rollout {
  const rollout = rollouts.load(name);
  if (rollout !== undefined) return rollout;
  throw new AtollError('NOT_FOUND', `cannot find rollout ${JSON.stringify(name.slice(0, 80))}`);
}

/** Plans the waves, ends the rollout that was at work on the model, and writes both at once. */
function begin({ stores, fleet, newUid }: CommandContext, spec: Spec): void {
  const { rollouts, events } = stores;
  const view = fleet.view();
  const members = fleet.members().filter(({ node }) => matches(spec.selector, node.labels));
  const ids = members.map(({ node }) => node.id);
  if (ids.length === 0) throw refused(spec, 'no node of the fleet has the labels that it asks for');
  const away = new Set(view.silenceCounts ? ids.filter((id) => view.nodes.get(id)?.online !== true) : []);
  const uid = newUid();
  const plan = planWaves(uid, ids, spec.waves, away);
  const atWork = rollouts.atWork();
  refuseOverlap(spec, new Set(plan.flat()), atWork);
  const message = `${spec.target.model} v${spec.target.version} to ${plan.flat().length} nodes in ${plan.length} waves`;
  stores.transaction(() => {
    for (const other of atWork) {
      if (other.spec.target.model === spec.target.model) supersede(stores, other, spec, view.nowMs);
    }
    const standing = { phase: 'Pending', wave: 0, reason: 'Accepted', message, blockedOn: ['controller'] } as const;
    rollouts.add({ uid, spec, plan, standing, createdMs: view.nowMs });
    events.append({ timeMs: view.nowMs, actor, kind: 'RolloutStarted', rollout: spec.name, nodeId: '', message });
  });
}

function supersede({ rollouts, events }: Stores, other: Rollout, { name }: Spec, nowMs: number): void {
  const message = `rollout ${name} took its place`;
  const standing = { ...other.standing, phase: 'Aborted', reason: 'Superseded', message, blockedOn: [] } as const;
  rollouts.write(other, standing, nowMs);
  const event = { timeMs: nowMs, actor, kind: 'RolloutSuperseded', rollout: other.spec.name, nodeId: '', message };
  events.append(event);
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

import { type Command, Option } from 'commander';
import {
  AbortPolicy,
  type ExplainRolloutResponse,
  type Rollout,
  type RolloutNode,
  RolloutNodeState,
} from '@atoll/proto/atoll/v1/rollout';
import type { Context } from '../context.js';
import { type Fleet, withFleet } from '../fleet.js';
import { wordOf } from '../fleet-nodes.js';
import type { Machine } from '../machine.js';
import { rolloutDocument, rolloutLine } from '../rollout-text.js';
import { isoTime, table } from '../table.js';
import { tellRollout } from '../tell-rollout.js';
import { action, addVerb } from '../verb.js';

type Asked = { readonly rollout?: Rollout | undefined };
type Order<O> = (fleet: Fleet, name: string, options: O, signal: AbortSignal) => Promise<Asked>;

/** `atoll rollout pause | resume | promote | abort | retry | undo | explain | nodes`. */
export function addOrders(group: Command, machine: Machine): void {
  const order = <O>(verb: string, about: string, ask: Order<O>, example = verb): Command =>
    addVerb(group, `${verb} <name>`, about, `atoll rollout ${example} photos-v2`).action(
      action<O>(machine, async (context, options, [name = '']) => {
        await withFleet(context, async (fleet) =>
          tellRollout(context, (await ask(fleet, name, options, context.signal)).rollout),
        );
      }),
    );
  order<object>('pause', 'give the version to no more nodes for now', ({ rollout }, name, _, signal) =>
    rollout.pauseRollout({ name }, { signal }),
  );
  order<object>('resume', 'go on; failures so far count no more', ({ rollout }, name, _, signal) =>
    rollout.resumeRollout({ name }, { signal }),
  );
  order<{ readonly full?: boolean }>(
    'promote',
    'skip what the wave waits for: approval, soak, a gate in doubt',
    ({ rollout }, name, { full = false }, signal) => rollout.promoteRollout({ name, full }, { signal }),
  ).option('--full', 'skip all that is left: every node gets the version, only failures stop it');
  order<{ readonly policy: string }>('abort', 'stop a rollout', ({ rollout }, name, options, signal) => {
    const keep = options.policy === 'keep';
    const policy = keep ? AbortPolicy.ABORT_POLICY_KEEP : AbortPolicy.ABORT_POLICY_REVERT;
    return rollout.abortRollout({ name, policy }, { signal });
  }).addOption(
    new Option('--policy <what>', 'what becomes of nodes that have the version')
      .choices(['keep', 'revert'])
      .default('revert'),
  );
  order<object>('retry', 'give failed nodes another attempt', ({ rollout }, name, _, signal) =>
    rollout.retryRollout({ name }, { signal }),
  );
  order<object>('undo', 'bring every node back to what it had before', ({ rollout }, name, _, signal) =>
    rollout.undoRollout({ name }, { signal }),
  );
  addVerb(
    group,
    'explain <name>',
    'tell what it waits for and what comes next',
    'atoll rollout explain photos-v2',
  ).action(action<object>(machine, explain));
  addVerb(group, 'nodes <name>', 'list its nodes by wave', 'atoll rollout nodes photos-v2 --failed')
    .option('--failed', 'only nodes that failed, rolled back or timed out')
    .action(action<{ readonly failed?: boolean }>(machine, nodes));
}

async function explain(context: Context, _options: object, [name = '']: readonly string[]): Promise<void> {
  await withFleet(context, async ({ rollout }) => {
    const said = await rollout.explainRollout({ name }, { signal: context.signal });
    context.result(explanationDocument(said), explanationText(said));
  });
}

/** What `rollout explain --json` gives: the rollout's document with what it waits for and what is ahead. */
function explanationDocument({ rollout, waits, next, evidence, verbs }: ExplainRolloutResponse): object {
  return {
    ...(rollout === undefined ? {} : rolloutDocument(rollout)),
    waits: waits.map(({ kind, message, nodeIds, sinceUnixMs, untilUnixMs }) => ({
      kind,
      message,
      nodes: nodeIds,
      since: isoTime(sinceUnixMs),
      until: isoTime(untilUnixMs),
    })),
    next,
    evidence,
    verbs,
  };
}

/** The same for people. */
export function explanationText({ rollout, waits, next, evidence, verbs }: ExplainRolloutResponse): string {
  const until = (unixMs: bigint): string => (unixMs === 0n ? '' : `, until ${isoTime(unixMs)}`);
  return [
    ...(rollout === undefined ? [] : [rolloutLine({ ...rollout, blockedOn: [] })]),
    ...waits.map(
      ({ kind, message, sinceUnixMs, untilUnixMs }) =>
        `waits for ${kind} since ${isoTime(sinceUnixMs)}${until(untilUnixMs)}: ${message}`,
    ),
    ...next.map((step) => `next: ${step}`),
    ...evidence,
    ...(verbs.length === 0 ? [] : [`a person may: ${verbs.map((verb) => `atoll rollout ${verb}`).join(', ')}`]),
  ].join('\n');
}

const failures = [
  RolloutNodeState.ROLLOUT_NODE_STATE_FAILED,
  RolloutNodeState.ROLLOUT_NODE_STATE_ROLLED_BACK,
  RolloutNodeState.ROLLOUT_NODE_STATE_TIMED_OUT,
];

async function nodes(
  context: Context,
  { failed = false }: { readonly failed?: boolean },
  [name = '']: readonly string[],
): Promise<void> {
  const found: RolloutNode[] = [];
  await withFleet(context, async ({ rollout }) => {
    let pageToken = '';
    do {
      const asked = { name, states: failed ? failures : [], wave: 0, pageSize: 10_000, pageToken };
      const page = await rollout.listRolloutNodes(asked, { signal: context.signal });
      found.push(...page.nodes);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  });
  context.result(
    found.map(({ state, previousVersion, reasonCode, assignedUnixMs, ...node }) => ({
      ...node,
      state: stateWord(state),
      reason: reasonCode,
      previousVersion: previousVersion || null,
      assigned: isoTime(assignedUnixMs),
    })),
    table(
      ['NODE', 'WAVE', 'STATE', 'ATTEMPT', 'WHY'],
      found.map(({ id, wave, state, attempt, reasonCode, message, acknowledged }) => [
        id,
        String(wave),
        `${stateWord(state)}${acknowledged ? ' (acknowledged)' : ''}`,
        String(attempt),
        [reasonCode, message].filter((text) => text !== '').join(': ') || '-',
      ]),
    ),
  );
}

function stateWord(state: RolloutNodeState): string {
  const name = Object.entries(RolloutNodeState).find(([, value]) => value === state)?.[0] ?? '';
  return wordOf(name, 'ROLLOUT_NODE_STATE_');
}

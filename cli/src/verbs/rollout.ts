import { type Command, InvalidArgumentError, Option } from 'commander';
import { AtollError } from '@atoll/base/error';
import { AbortPolicy, type Rollout, RolloutSpec, type StartRolloutRequest } from '@atoll/proto/atoll/v1/rollout';
import type { Context } from '../context.js';
import { withFleet } from '../fleet.js';
import type { Machine } from '../machine.js';
import { durationMs, integer, list, number, pairs } from '../parse-option.js';
import { phaseOf, rolloutDocument, rolloutLine } from '../rollout-text.js';
import { action, addVerb } from '../verb.js';
import { watchRollout } from '../watch-rollout.js';

interface StartOptions {
  readonly model: string;
  readonly version: number;
  readonly name?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly waves?: readonly string[];
  readonly soak: number;
  readonly maxFailures: number;
  readonly maxFailureRate: number;
  readonly wait?: boolean;
}

/** `atoll rollout start | get | abort | undo`. */
export function addRollout(program: Command, machine: Machine): void {
  const group = program.command('rollout').description('move the fleet from version to version').helpCommand(false);
  group.addHelpText('after', '\nExample:\n  atoll rollout start --model photos --version 2 --waves 1,100% --wait\n');
  group.helpOption('-h, --help', 'say how it is used');
  addStart(group, machine);
  addVerb(group, 'get <name>', 'tell where a rollout stands', 'atoll rollout get photos-v2 --watch')
    .option('--watch', 'follow it until it is final')
    .action(action<{ readonly watch?: boolean }>(machine, get));
  addVerb(group, 'abort <name>', 'stop a rollout', 'atoll rollout abort photos-v2 --policy revert')
    .addOption(
      new Option('--policy <what>', 'what becomes of nodes that have the version')
        .choices(['keep', 'revert'])
        .default('revert'),
    )
    .action(action<{ readonly policy: string }>(machine, abort));
  addVerb(group, 'undo <name>', 'bring every node back to what it had before', 'atoll rollout undo photos-v2').action(
    action<object>(machine, undo),
  );
}

function addStart(group: Command, machine: Machine): void {
  addVerb(
    group,
    'start',
    'begin to roll a release out, wave by wave',
    'atoll rollout start --model photos --version 2 --waves 1,100% --soak 10s --wait',
  )
    .requiredOption('--model <name>', 'which model')
    .requiredOption('--version <n>', 'which version', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--name <name>', 'what the rollout is called (default: MODEL-vN)')
    .option('--selector <k=v,…>', 'only nodes with these labels', pairs)
    .option('--waves <list>', 'cumulative shares or counts (default: 10%,50%,100%)', waves)
    .option('--soak <time>', 'how long each node watches the new version', durationMs, 30_000)
    .option('--max-failures <n>', 'failed nodes that stop it; 0 = only the rate counts', integer(0, 1_000_000), 0)
    .option('--max-failure-rate <share>', 'failed share of the judged nodes that stops it', number(0, 1), 0.05)
    .option('--wait', 'wait until it is final; anything but Complete is a failure')
    .action(action<StartOptions>(machine, start));
}

function waves(text: string): readonly string[] {
  const words = list(text);
  const wrong = words.find((word) => !/^\d+(\.\d+)?%?$/.test(word));
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is neither a share like 10% nor a count like 2.`);
  return words;
}

async function start(context: Context, options: StartOptions): Promise<void> {
  const { signal, progress } = context;
  await withFleet(context, async (fleet) => {
    const { rollout } = await fleet.rollout.startRollout(requestOf(options), { signal });
    if (rollout === undefined) throw new AtollError('INTERNAL', 'cannot start the rollout: the controller gave none');
    if (options.wait !== true) return tell(context, rollout);
    const name = rollout.spec?.name ?? '';
    const last = await watchRollout(fleet, name, (standing) => progress.line(rolloutLine(standing)), signal);
    tell(context, last);
    if (phaseOf(last) !== 'Complete')
      throw new AtollError('FAILED_PRECONDITION', `cannot complete rollout ${name}: ${phaseOf(last)}: ${last.message}`);
  });
}

/** The request of `rollout start`. Zero means the default to the controller, so a zero that was asked for is sent as next to nothing. */
export function requestOf(options: StartOptions): StartRolloutRequest {
  return {
    spec: RolloutSpec.fromPartial({
      name: options.name ?? '',
      model: options.model,
      version: BigInt(options.version),
      selector: { ...options.selector },
      waves: [...(options.waves ?? [])],
      soak: { durationMs: Math.max(1, options.soak) },
      maxFailures: options.maxFailures,
      maxFailureRate: Math.max(1e-9, options.maxFailureRate),
    }),
  };
}

async function get(
  context: Context,
  options: { readonly watch?: boolean },
  [name = '']: readonly string[],
): Promise<void> {
  const { signal, progress } = context;
  await withFleet(context, async (fleet) => {
    if (options.watch === true) {
      tell(context, await watchRollout(fleet, name, (standing) => progress.line(rolloutLine(standing)), signal));
      return;
    }
    tell(context, (await fleet.rollout.getRollout({ name }, { signal })).rollout);
  });
}

async function abort(
  context: Context,
  { policy }: { readonly policy: string },
  [name = '']: readonly string[],
): Promise<void> {
  const keep = policy === 'keep';
  await withFleet(context, async ({ rollout }) => {
    const asked = keep ? AbortPolicy.ABORT_POLICY_KEEP : AbortPolicy.ABORT_POLICY_REVERT;
    tell(context, (await rollout.abortRollout({ name, policy: asked }, { signal: context.signal })).rollout);
  });
}

async function undo(context: Context, _options: object, [name = '']: readonly string[]): Promise<void> {
  await withFleet(context, async ({ rollout }) => {
    tell(context, (await rollout.undoRollout({ name }, { signal: context.signal })).rollout);
  });
}

function tell(context: Context, rollout: Rollout | undefined): void {
  if (rollout === undefined) throw new AtollError('INTERNAL', 'cannot show the rollout: the controller gave none');
  context.result(rolloutDocument(rollout), rolloutLine(rollout));
}

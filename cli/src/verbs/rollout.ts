import { type Command, InvalidArgumentError } from 'commander';
import { AtollError } from '@atoll/base/error';
import { RolloutSpec, type StartRolloutRequest } from '@atoll/proto/atoll/v1/rollout';
import type { Context } from '../context.js';
import { withFleet } from '../fleet.js';
import type { Machine } from '../machine.js';
import { durationMs, integer, list, number, pairs } from '../parse-option.js';
import { phaseOf, rolloutLine } from '../rollout-text.js';
import { tellRollout } from '../tell-rollout.js';
import { action, addVerb } from '../verb.js';
import { watchRollout } from '../watch-rollout.js';
import { addOrders } from './rollout-orders.js';

interface StartOptions {
  readonly model: string;
  readonly version: number;
  readonly name?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly waves?: readonly string[];
  readonly soak: number;
  readonly maxFailures: number;
  readonly maxFailureRate: number;
  readonly approve?: boolean;
  readonly waveSoak?: number;
  readonly maxInFlight?: number;
  readonly maxPerSite?: number;
  readonly maxOffline?: number;
  readonly wait?: boolean;
}

/** `atoll rollout`. */
export function addRollout(program: Command, machine: Machine): void {
  const group = program.command('rollout').description('move the fleet from version to version').helpCommand(false);
  group.addHelpText('after', '\nExample:\n  atoll rollout start --model photos --version 2 --waves 1,100% --wait\n');
  group.helpOption('-h, --help', 'say how it is used');
  addStart(group, machine);
  addVerb(group, 'get <name>', 'tell where a rollout stands', 'atoll rollout get photos-v2 --watch')
    .option('--watch', 'follow it until it is final')
    .action(action<{ readonly watch?: boolean }>(machine, get));
  addOrders(group, machine);
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
    .option('--approve', 'each wave after the first waits until it is promoted')
    .option('--wave-soak <time>', 'how long a wave is watched after its last node (default: 0s)', durationMs)
    .option('--max-in-flight <n>', 'nodes at it at a time (default: no limit)', integer(1, 1_000_000))
    .option(
      '--max-per-site <n>',
      'nodes of one label "site" at it at a time (default: no limit)',
      integer(1, 1_000_000),
    )
    .option('--max-offline <share>', 'share that may be out of reach when a wave passes (default: 1)', number(0, 1))
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
    if (options.wait !== true) return tellRollout(context, rollout);
    const name = rollout.spec?.name ?? '';
    const last = await watchRollout(fleet, name, (standing) => progress.line(rolloutLine(standing)), signal);
    tellRollout(context, last);
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
      approve: options.approve === true,
      waveSoakMs: options.waveSoak ?? 0,
      maxInFlight: options.maxInFlight ?? 0,
      maxPerSite: options.maxPerSite ?? 0,
      maxOffline: options.maxOffline === undefined ? 0 : Math.max(1e-9, options.maxOffline),
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
      tellRollout(context, await watchRollout(fleet, name, (standing) => progress.line(rolloutLine(standing)), signal));
      return;
    }
    tellRollout(context, (await fleet.rollout.getRollout({ name }, { signal })).rollout);
  });
}

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import type { Machine } from '../machine.js';
import { integer } from '../parse-option.js';
import { startFleet } from '../up/start-fleet.js';
import { action, addVerb } from '../verb.js';

interface UpOptions {
  readonly nodes: number;
  readonly followStdin?: boolean;
}

/** `atoll up`. */
export function addUp(program: Command, machine: Machine): void {
  addVerb(
    program,
    'up',
    'run a whole fleet on this machine, each service and each node a process of its own; Ctrl-C drains it',
    'atoll up --nodes 3 --data-dir .atoll',
  )
    .option('--nodes <n>', 'how many nodes', integer(1, 100), 3)
    .addOption(new Option('--follow-stdin', 'end when standard input closes').hideHelp())
    .action(action<UpOptions>(machine, up));
}

async function up(context: Context, options: UpOptions): Promise<void> {
  const { signal, progress, dataDir, env } = context;
  progress.step({ label: `starting a fleet of ${options.nodes} nodes in ${dataDir}`, done: 0, total: 0, unit: '' });
  const fleet = await startFleet({
    dataDir,
    nodes: options.nodes,
    anyPorts: env['ATOLL_UP_PORTS'] === 'any',
    env,
    say: (text) => progress.line(text),
    signal,
  });
  const { description } = fleet;
  context.result(
    description,
    [
      'The fleet is ready.',
      `  rollout controller   ${description.server}`,
      `  trainer              ${description.trainer}`,
      `  quantizer-compiler   ${description.quantizerCompiler}`,
      `  registry             ${description.registry}`,
      `  NATS                 ${description.nats}`,
      ...description.nodes.map(({ id, address }) => `  ${id.padEnd(20)} ${address}`),
      `Data and logs are in ${dataDir}. Ctrl-C ends it.`,
    ].join('\n'),
  );
  try {
    await Promise.race([fleet.failed, untilAborted(signal), ...(options.followStdin === true ? [untilClosed()] : [])]);
  } finally {
    progress.line('ending the fleet');
    await fleet.stop();
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  // One that came while the fleet's file was written fires no event any more.
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function untilClosed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on('end', resolve).on('error', resolve).resume();
  });
}

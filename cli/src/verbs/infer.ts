import type { Command } from 'commander';
import { basename } from 'node:path';
import { AtollError, isAtollError } from '@atoll/base/error';
import { imagesIn } from '@atoll/image/images-in';
import { InferenceServiceService } from '@atoll/proto/atoll/v1/inference';
import type { Channel, ChannelSecurity } from '@atoll/rpc/channel';
import { addSecurityOptions, readSecurity, type SecurityOptions } from '../channel-security.js';
import type { Context } from '../context.js';
import { findFleet, withChannel, withFleet } from '../fleet.js';
import { allNodes } from '../fleet-nodes.js';
import { inferEach, inferStream } from '../infer-images.js';
import type { Machine } from '../machine.js';
import { integer } from '../parse-option.js';
import { predictionLine } from '../scores.js';
import { action, addVerb } from '../verb.js';

interface InferOptions extends SecurityOptions {
  readonly model: string;
  readonly version?: number;
  readonly stream?: boolean;
  readonly top: number;
}

/** `atoll infer`. */
export function addInfer(program: Command, machine: Machine): void {
  const verb = addVerb(
    program,
    'infer <paths...>',
    'ask a running node what is on photos; --server is the node, or the controller, which names one',
    'atoll infer photos/test --server 127.0.0.1:7411 --model photos',
  );
  addSecurityOptions(verb)
    .requiredOption('--model <name>', 'which model')
    .option('--version <n>', 'which version (default: the one in service)', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--stream', 'all photos in one stream')
    .option('--top <n>', 'how many classes to tell with --json', integer(1, 1_000), 3)
    .action(action<InferOptions>(machine, infer));
}

async function infer(context: Context, options: InferOptions, paths: readonly string[]): Promise<void> {
  const { signal } = context;
  const images = (await imagesIn(paths)).map(({ path }) => path);
  if (images.length === 0)
    throw new AtollError('INVALID_ARGUMENT', `cannot infer ${paths.join(', ')}: there is no photo`);
  const security = await readSecurity(options);
  const node = await findNode(context, options.model, security);
  const askAll = async (channel: Channel): Promise<void> => {
    const question = { model: options.model, version: BigInt(options.version ?? 0), top: options.top };
    const ask = options.stream === true ? inferStream : inferEach;
    const results: object[] = [];
    for await (const answer of ask(channel, images, question, signal)) {
      const file = images[results.length] ?? '';
      const { predictions, backend, model, version, latencyMs } = answer;
      results.push({ file, predictions, backend, model, version, latencyMs });
      if (context.json) continue;
      context.result(undefined, predictionLine(basename(file), predictions[0], `  ${model} v${version}  ${backend}`));
    }
    if (context.json) context.result(results, '');
  };
  await withChannel(node, askAll, security);
}

/** The address itself when a node answers there, else a node that the controller there knows to serve the model. */
async function findNode(context: Context, model: string, security: ChannelSecurity): Promise<string> {
  const { signal } = context;
  const server = await findFleet(context);
  try {
    const describe = (channel: Channel) => channel.client(InferenceServiceService).describeModels({}, { signal });
    await withChannel(server, describe, security);
    return server;
  } catch (error) {
    if (!isAtollError(error, 'UNIMPLEMENTED')) throw error;
  }
  const nodes = await withFleet(context, (fleet) => allNodes(fleet, signal));
  const serving = nodes.find((node) => node.online && node.status?.model === model);
  if (serving?.status === undefined)
    throw new AtollError('FAILED_PRECONDITION', `cannot infer: no node of ${server} serves model ${model}`);
  return serving.status.address;
}

import type { Command } from 'commander';
import { cachePaths } from '@atoll/base/cache';
import { AtollError } from '@atoll/base/error';
import { timeBackends } from '@atoll/edge-inference/service';
import { QuantizerServiceService } from '@atoll/proto/atoll/v1/quantizer';
import type { Context } from '../context.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { table } from '../table.js';
import { action, addVerb } from '../verb.js';

interface InspectOptions {
  readonly backends?: boolean;
}

/** `atoll inspect`. */
export function addInspect(program: Command, machine: Machine): void {
  addVerb(
    program,
    'inspect <file>',
    'show what a .tflite holds: kind, graph, tensors, quantization, ops and versions, metadata, compiled parts; or the graph of a .h5 or .keras',
    'atoll inspect model.tflite --backends',
  )
    .option(
      '--backends',
      'run a .tflite with each backend of this machine: times, refusals, and which a node would take',
    )
    .action(action<InspectOptions>(machine, inspect));
}

async function inspect(context: Context, options: InspectOptions, [file = '']: readonly string[]): Promise<void> {
  const { signal } = context;
  await findModel(file);
  if (options.backends === true && !file.endsWith('.tflite'))
    throw new AtollError('INVALID_ARGUMENT', `cannot time ${file}: --backends takes a .tflite`);
  const { json, text } = await withService(context, localQuantizer(context), async (channel) => {
    const [model] = await sendModel(channel, file, signal);
    return await channel.client(QuantizerServiceService).inspectModel({ model }, { signal });
  });
  if (options.backends !== true) return context.result(JSON.parse(json), text);
  const { document, rows } = await timed(context, file);
  const timings = table(['backend', 'median ms', 'p99 ms', ''], rows);
  context.result({ ...(JSON.parse(json) as object), ...document }, `${text.trimEnd()}\n\n${timings}\n`);
}

/** `{backends: [{backend, chosen, medianMs, p99Ms, refusal}]}`, null for what there is not, and the same as rows. */
async function timed(context: Context, file: string) {
  const { liteRt, tfLite } = cachePaths(context.env);
  const runtime = { libraries: { liteRt, tfLite }, libraryPath: context.env['LD_LIBRARY_PATH'], log: context.log };
  const { chosen, trials } = await timeBackends(file, runtime, context.signal);
  const backends = trials.map(({ backend, medianMs, p99Ms, refusal }) => ({
    backend,
    chosen: backend === chosen,
    medianMs: refusal === undefined ? medianMs : null,
    p99Ms: refusal === undefined ? p99Ms : null,
    refusal: refusal ?? null,
  }));
  const rows = backends.map(({ backend, chosen: isChosen, medianMs, p99Ms, refusal }) => [
    backend,
    medianMs?.toFixed(3) ?? '-',
    p99Ms?.toFixed(3) ?? '-',
    refusal ?? (isChosen ? 'chosen' : ''),
  ]);
  return { document: { backends }, rows };
}

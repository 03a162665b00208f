import type { Command } from 'commander';
import { QuantizerServiceService } from '@atoll/proto/atoll/v1/quantizer';
import type { Context } from '../context.js';
import { withService } from '../local-service.js';
import { localQuantizer } from '../local-quantizer.js';
import type { Machine } from '../machine.js';
import { findModel, sendModel } from '../model-files.js';
import { action, addVerb } from '../verb.js';

/** `atoll inspect`. */
export function addInspect(program: Command, machine: Machine): void {
  addVerb(
    program,
    'inspect <file>',
    'show what a .tflite holds: kind, graph, tensors, quantization, ops and versions, metadata, compiled parts; or the graph of a .h5 or .keras',
    'atoll inspect model.tflite',
  ).action(action<object>(machine, inspect));
}

async function inspect(context: Context, _options: object, [file = '']: readonly string[]): Promise<void> {
  const { signal } = context;
  await findModel(file);
  await withService(context, localQuantizer(context), async (channel) => {
    const [model] = await sendModel(channel, file, signal);
    const { json, text } = await channel.client(QuantizerServiceService).inspectModel({ model }, { signal });
    context.result(JSON.parse(json), text);
  });
}

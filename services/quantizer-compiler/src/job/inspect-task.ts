import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { AtollError } from '@atoll/base/error';
import { floatModel } from '../compile.js';
import { type InspectReport, inspectModel } from '../report/inspect.js';
import { inspectText } from '../report/inspect-text.js';
import type { InspectJob, InspectOutput } from './messages.js';

/** The answer must fit one message; the text of a larger graph is cut here. */
const maxTextLength = 4 * 1024 * 1024;

/** Describes a .tflite as it is, and a Keras file as its import gives it. */
export async function inspectTask({ model: { name, file } }: InspectJob, signal: AbortSignal): Promise<InspectOutput> {
  const bytes = await readFile(file);
  const { report, graph } =
    extname(name).toLowerCase() === '.tflite' ? inspectModel(bytes, name) : await inspectKeras(bytes, name, signal);
  const text = inspectText(report, name, graph);
  return {
    json: JSON.stringify(report),
    text: text.length > maxTextLength ? `${text.slice(0, maxTextLength)}\n... cut here\n` : text,
  };
}

async function inspectKeras(
  bytes: Uint8Array,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly report: InspectReport; readonly graph: string }> {
  if (extname(name).toLowerCase() === '.json')
    throw new AtollError('INVALID_ARGUMENT', `cannot inspect ${name}: its weights are other files; convert it first`);
  let graph = '';
  const float = await floatModel(new Map([[name, bytes]]), {
    signal,
    nowMs: () => 0,
    openModel: () => Promise.reject(new RangeError('a description runs no model')),
    onStage: () => undefined,
    onWarning: () => undefined,
    onGraph: (stage, print) => {
      if (stage === 'import') graph = print();
    },
  });
  const { report } = inspectModel(float, name);
  // What is Atoll's own in the float .tflite is not the file's.
  const metadata = { ...report.metadata, description: '', minRuntimeVersion: null };
  return { report: { ...report, sizeBytes: bytes.length, metadata }, graph };
}

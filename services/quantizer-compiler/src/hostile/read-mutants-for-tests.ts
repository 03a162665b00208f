// The child of the hostile-file tests: it reads mutant after mutant and tells what came of each. It may crash or hang; the
// parent sees that.
import { planEdgeTpu } from '@atoll/edgetpu/plan';
import { isAtollError } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import type { LoadedModel } from '@atoll/runtime/model';
import { openModel } from '@atoll/runtime/open';
import type { Libraries } from '@atoll/runtime/open';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { quantizeModel } from '../compile.js';
import { valueAt } from '../graph/graph.js';
import { verify } from '../graph/verify.js';
import { importModel } from '../import/import-model.js';
import type { ModelFiles } from '../import/layers-model.js';
import { passes } from '../passes/passes.js';
import { inspectModel } from '../report/inspect.js';
import { smoothPhotos } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { hostileBases } from './bases-for-tests.js';
import { mutate } from './mutations-for-tests.js';

/** What the parent asks for; with `libraries`, models that convert are also run. */
export interface MutantRequest {
  readonly coral: string;
  readonly from: number;
  readonly to: number;
  readonly only: string | null;
  readonly libraries: Libraries | null;
}

/** What became of a mutant: refused by every reader, taken by some, or a fault of ours. */
export interface MutantResult {
  readonly seed: number;
  readonly base: string;
  readonly how: string;
  readonly outcome: 'refused' | 'read' | 'converted' | 'fault';
  readonly words: string;
  readonly cpuMs: number;
  readonly peakBytes: number;
}

/** What the child tells: the mutant that it begins with, the result of one, or that all are done. */
export type MutantMessage =
  | { readonly kind: 'begin'; readonly seed: number; readonly base: string; readonly how: string }
  | { readonly kind: 'result'; readonly result: MutantResult }
  | { readonly kind: 'ready'; readonly peakBytes: number };

const tell = (message: MutantMessage): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

process.once('message', (request: MutantRequest) => {
  void readAll(request).then(() => process.disconnect());
});

async function readAll({ coral, from, to, only, libraries }: MutantRequest): Promise<void> {
  const bases = [...(await hostileBases(coral))].filter(([name]) => only === null || name === only);
  // Everything is loaded and warm before the memory is measured.
  for (const [name, all] of bases) for (const files of all) await read(files, name, libraries);
  await tell({ kind: 'ready', peakBytes: peakBytes() });
  for (let seed = from; seed < to; seed++) {
    const [base, all] = bases[seed % bases.length] ?? ['', []];
    const files = all[Math.floor(seed / bases.length) % all.length] ?? new Map<string, Uint8Array>();
    const mutant = mutate(files, seed);
    await tell({ kind: 'begin', seed, base, how: mutant.how });
    const before = process.cpuUsage();
    const { outcome, words } = await read(mutant.files, base, libraries);
    const { user, system } = process.cpuUsage(before);
    const result = {
      seed,
      base,
      how: mutant.how,
      outcome,
      words,
      cpuMs: (user + system) / 1000,
      peakBytes: peakBytes(),
    };
    await tell({ kind: 'result', result });
  }
}

async function read(
  files: ModelFiles,
  base: string,
  libraries: Libraries | null,
): Promise<Pick<MutantResult, 'outcome' | 'words'>> {
  const looked = base.includes('tflite') ? attempt(() => look(files)) : refusedReading;
  const converted = await attemptAsync(() => convert(files, libraries));
  for (const { fault } of [looked, converted]) if (fault !== null) return { outcome: 'fault', words: fault };
  if (converted.refusal === null) return { outcome: 'converted', words: '' };
  return { outcome: looked.refusal === null ? 'read' : 'refused', words: converted.refusal };
}

/** All that is said of a .tflite without running it. */
function look(files: ModelFiles): void {
  for (const [name, bytes] of files) {
    inspectModel(bytes, name);
    planEdgeTpu(readModel(bytes, name));
  }
}

/** The float conversion, whose result our own reader must take; with libraries, what comes of it is run or quantized. */
async function convert(files: ModelFiles, libraries: Libraries | null): Promise<void> {
  const imported = verify(await importModel(files), 'import');
  const graph = passes.reduce((before, pass) => verify(pass.run(before), pass.name), imported);
  const bytes = writeModel(writeTfLite(graph));
  readModel(bytes);
  if (libraries === null) return;
  const open = (model: Uint8Array) => openModel(model, { backend: 'auto', libraries });
  const [input = -1] = graph.inputs;
  const { shape } = valueAt(graph, input);
  if (graph.inputs.length === 1 && shape.length === 4 && shape[3] === 3) return await quantize(files, open);
  const model = await open(bytes);
  await model.run(model.inputs.map((spec) => new Uint8Array(tensorBytes(spec))));
  await model.close();
}

async function quantize(files: ModelFiles, open: (model: Uint8Array) => Promise<LoadedModel>): Promise<void> {
  const request = {
    files,
    mode: 'full-integer',
    photos: smoothPhotos(4, 1),
    heldOut: [],
    evalPhotos: smoothPhotos(2, 2),
    labels: [],
    pixels: '0..1',
    ranges: 'minmax',
    inputType: 'uint8',
    outputType: 'uint8',
  } as const;
  const { int8 } = await quantizeModel(request, {
    signal: new AbortController().signal,
    nowMs: () => performance.now(),
    openModel: open,
    onStage: () => undefined,
    onWarning: () => undefined,
  });
  inspectModel(int8, 'model.tflite');
}

interface Attempt {
  readonly refusal: string | null;
  readonly fault: string | null;
}

const refusedReading: Attempt = { refusal: 'it is no .tflite', fault: null };

function attempt(work: () => void): Attempt {
  try {
    work();
    return { refusal: null, fault: null };
  } catch (error) {
    return judge(error);
  }
}

async function attemptAsync(work: () => Promise<void>): Promise<Attempt> {
  try {
    await work();
    return { refusal: null, fault: null };
  } catch (error) {
    return judge(error);
  }
}

const clearCodes: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'DATA_LOSS',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
]);

/** A refusal is an AtollError of the caller's making, in one line; everything else is a fault. */
function judge(error: unknown): Attempt {
  const clear = isAtollError(error) && clearCodes.has(error.code) && /^cannot [^\n]+: ?[^\n]+$/.test(error.message);
  if (clear) return { refusal: error.message, fault: null };
  const code = isAtollError(error) ? `${error.code} ` : '';
  return { refusal: null, fault: code + (error instanceof Error ? (error.stack ?? error.message) : String(error)) };
}

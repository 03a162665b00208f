/** Decides whether a compiled file may stand beside the .tflite of a release: every node with an Edge TPU will trust it. Pure. */
import { AtollError } from '@atoll/base/error';
import type { CompiledEdgeTpu } from '@atoll/edgetpu/inspect';
import { mostSegments } from '@atoll/release/target';
import { mainSubgraph, type TfLiteModel } from '@atoll/tflite/model';

/** A file that was read, and what it holds for the Edge TPU; null when nothing in it is compiled. */
export interface EdgeTpuFile {
  readonly path: string;
  readonly model: TfLiteModel;
  readonly compiled: CompiledEdgeTpu | null;
}

/** The runtime that the file needs; INVALID_ARGUMENT for a file that is not compiled, would not load, or is of another model. */
export function runtimeOf(file: EdgeTpuFile, cpu: TfLiteModel, cpuPath: string): number {
  const runtime = soundRuntime(file);
  for (const side of ['inputs', 'outputs'] as const) sameSide(file, side, cpu, cpuPath);
  return runtime;
}

/** As runtimeOf, for each part of a cut model in order: the first takes what the model takes, the last gives what it gives. */
export function segmentRuntimes(files: readonly EdgeTpuFile[], cpu: TfLiteModel, cpuPath: string): readonly number[] {
  const [first] = files;
  const last = files.at(-1);
  if (first === undefined || last === undefined || files.length < 2 || files.length > mostSegments)
    throw refused('a cut model', `it has 2 to ${mostSegments} parts, not ${files.length}`);
  const runtimes = files.map(soundRuntime);
  sameSide(first, 'inputs', cpu, cpuPath);
  sameSide(last, 'outputs', cpu, cpuPath);
  return runtimes;
}

function soundRuntime({ path, compiled }: EdgeTpuFile): number {
  if (compiled === null)
    throw refused(path, 'nothing in it is compiled; name the file that the Edge TPU compiler made');
  const [problem, ...more] = compiled.problems;
  if (problem === undefined) return compiled.minRuntimeVersion;
  const others = more.length === 0 ? '' : ` (and ${more.length} more problems, see atoll inspect)`;
  throw refused(path, `the runtime would refuse it: ${problem}${others}; compile the model again`);
}

function sameSide({ path, model }: EdgeTpuFile, side: 'inputs' | 'outputs', cpu: TfLiteModel, cpuPath: string): void {
  const [here, there] = [border(model, side), border(cpu, side)];
  if (here !== there)
    throw refused(path, `its ${side} are ${here}, those of ${cpuPath} are ${there}: it is no build of that file`);
}

/** What clients see of a side; compilers keep it as it is. */
function border(model: TfLiteModel, side: 'inputs' | 'outputs'): string {
  const { tensors, [side]: indices } = mainSubgraph(model);
  const words = indices.map((index) => {
    const tensor = tensors[index];
    if (tensor === undefined) return 'none';
    const { type, shape, quantization } = tensor;
    const [scale] = quantization?.scale ?? [];
    const [zeroPoint] = quantization?.zeroPoint ?? [];
    return `${type} [${shape.join(', ')}]${scale === undefined ? '' : ` scale ${scale} zero ${zeroPoint ?? 0}`}`;
  });
  return words.join(' and ');
}

function refused(path: string, reason: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot publish ${path} for the Edge TPU: ${reason}`);
}

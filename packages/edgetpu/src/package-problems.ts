// Why the runtime of the Edge TPU would refuse a compiled part, told without a device. Source: libedgetpu, package_registry.cc and
// tflite/custom_op.cc, whose checks these are.
import { printable } from '@atoll/base/printable';
import type { BorderTensor, ExecutableInfo, ExecutableKind, LayerInfo, PackageInfo } from './inspect.js';

/** The newest runtime there is: libedgetpu 16.0 of 2021 to 2024 calls itself 14. */
export const newestRuntime = 14;

/** Each reason in one line; empty for a sound part. */
export function packageProblems(part: PackageInfo): readonly string[] {
  const problems: string[] = [];
  if (part.minRuntimeVersion > newestRuntime) {
    problems.push(`it needs runtime ${part.minRuntimeVersion}, and ${newestRuntime} is the newest`);
  }
  if (part.virtualChipId !== 0) problems.push(`it is for chip ${part.virtualChipId} of several`);
  const kinds = part.executables.map(({ kind }) => kind).toSorted();
  if (kinds.length > 1 && !sets.some((set) => set.join() === kinds.join())) {
    problems.push(`it has executables that do not belong together: ${kinds.slice(0, 8).join(', ')}`);
  }
  if (part.executables.some(({ batchSize }) => batchSize < 1)) problems.push('an executable has no batch size');
  const runs = part.executables.find(({ kind }) => kind !== 'parameter-caching');
  if (runs === undefined) return [...problems, 'it has no executable that runs'];
  return [...problems, ...borderProblems(part, runs)];
}

const sets: readonly (readonly ExecutableKind[])[] = [
  ['execution-only', 'parameter-caching'],
  ['execution-only', 'parameter-caching', 'stand-alone'],
];

/** Names, types and sizes of the custom operator's tensors are those of the layers; state that stays on the chip has layers only. */
function borderProblems(part: PackageInfo, runs: ExecutableInfo): readonly string[] {
  const check = (side: string, tensors: readonly BorderTensor[], layers: readonly LayerInfo[]): readonly string[] => {
    const byName = new Map(layers.map((layer) => [layer.name, layer]));
    return tensors.flatMap((tensor) => {
      const layer = byName.get(tensor.name);
      if (layer === undefined) return [`${side} ${short(tensor.name)} has no layer`];
      if (layer.type !== tensor.type)
        return [`${side} ${short(tensor.name)} is ${tensor.type}, its layer ${layer.type}`];
      const [values, wanted] = [product(tensor.shape), product(layer.shape)];
      return values === wanted ? [] : [`${side} ${short(tensor.name)} has ${values} values, its layer ${wanted}`];
    });
  };
  return [...check('input', part.inputs, runs.inputs), ...check('output', part.outputs, runs.outputs)].slice(0, 8);
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

/** A name from a file, short enough for one line. */
function short(name: string): string {
  return JSON.stringify(printable(name.length > 80 ? `${name.slice(0, 80)}…` : name));
}

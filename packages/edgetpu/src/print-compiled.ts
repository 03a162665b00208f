// A compiled file as text: what a person wants to know of it before a node loads it.
import { printable } from '@atoll/base/printable';
import type { CompiledEdgeTpu, ExecutableInfo, LayerInfo, PackageInfo } from './inspect.js';

/** Parts, executables, borders, what is left to the CPU, and problems; one fact a line. */
export function printCompiled(compiled: CompiledEdgeTpu): string {
  const { packages, onChipBytes, offChipBytes, minRuntimeVersion, cpuOps, problems } = compiled;
  const lines = [
    `edge tpu: ${packages.length} compiled ${packages.length === 1 ? 'part' : 'parts'}, runtime ${minRuntimeVersion} or newer, ` +
      `${bytes(onChipBytes)} of parameters on the chip, ${bytes(offChipBytes)} sent at every inference`,
    ...packages.flatMap(printPackage),
    cpuOps.length === 0 ? '  nothing is left to the CPU' : `  left to the CPU: ${cpuOps.length} operators`,
    ...cpuOps.map(({ op, tensor }) => `    ${op} ${printable(tensor)}`),
    ...problems.map((problem) => `  problem: ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}

function printPackage(part: PackageInfo, index: number): readonly string[] {
  const names = (all: PackageInfo['inputs']): string =>
    all.map(({ name, type, shape }) => `${printable(name)} ${type}[${shape.join(',')}]`).join(', ');
  const made =
    part.compilerVersion === '' || part.compilerVersion === 'cl/' ? 'not told' : printable(part.compilerVersion);
  return [
    `  part ${index}: runtime ${part.minRuntimeVersion} or newer, compiler version ${made}`,
    `    takes ${names(part.inputs)}`,
    `    gives ${names(part.outputs)}`,
    ...part.executables.flatMap(printExecutable),
  ];
}

function printExecutable(one: ExecutableInfo): readonly string[] {
  const scratch = one.scratchBytes === 0 ? '' : `, ${bytes(one.scratchBytes)} of scratch`;
  return [
    `    ${one.kind} for ${printable(one.chip)}: ${bytes(one.parameterBytes)} of parameters, ${bytes(one.instructionBytes)} of ` +
      `instructions, ${bytes(one.tileBytes)} of memory a tile${scratch}, batch ${one.batchSize}, token ${one.parameterCachingToken}`,
    ...one.inputs.map((layer) => `      in  ${printLayer(layer)}`),
    ...one.outputs.map((layer) => `      out ${printLayer(layer)}`),
  ];
}

function printLayer({ name, type, shape, scale, zeroPoint, sizeBytes }: LayerInfo): string {
  return `${printable(name)} ${type}[${shape.join(',')}] scale ${scale} zero ${zeroPoint}, ${bytes(sizeBytes)}`;
}

function bytes(count: number): string {
  return `${count.toLocaleString('en')} bytes`;
}

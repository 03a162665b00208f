import { readFile } from 'node:fs/promises';
import { sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import { tensorBytes } from '@atoll/runtime/model';
import type { RunResult } from '../runtime/child-process.js';
import type { LoadedInfo } from '../runtime/messages.js';
import type { ActivateFailure } from '../swap/swapper.js';
import { goldenMismatch, tensorMismatch } from './golden.js';
import type { ModelPackage, PackageGolden } from './model-package.js';

/** Why a package cannot serve. */
export interface PackageFault {
  readonly reason: ActivateFailure;
  readonly message: string;
}

/** Golden cases above this size are refused before they are read. */
const maxGoldenBytes = 64 * 1024 * 1024;

/**
 * Holds a loaded model against its package: tensors, labels, preprocessing, then every golden case through `run`, or one run on
 * zeros when there is none, so that the model is warm afterwards. Errors of `run` pass through.
 */
export async function verifyLoaded(
  pkg: ModelPackage,
  info: LoadedInfo,
  run: (inputs: readonly Uint8Array[]) => Promise<RunResult>,
): Promise<PackageFault | undefined> {
  const misfit = misfitOf(pkg, info);
  if (misfit !== undefined) return { reason: 'BAD_PACKAGE', message: misfit };
  if (pkg.golden.length === 0) await run(info.inputs.map((spec) => new Uint8Array(tensorBytes(spec))));
  for (const [i, golden] of pkg.golden.entries()) {
    const [input, expected] = await readGolden(golden);
    const { outputs } = await run([input]);
    const [output] = outputs;
    const [spec] = info.outputs;
    if (output === undefined || spec === undefined)
      return { reason: 'BAD_PACKAGE', message: 'the model has no output' };
    const mismatch = goldenMismatch(output, expected, spec.dtype, golden.tolerance);
    if (mismatch !== undefined) {
      return { reason: 'GOLDEN_MISMATCH', message: `golden case ${i + 1} of ${pkg.golden.length}: ${mismatch}` };
    }
  }
  return undefined;
}

function misfitOf(pkg: ModelPackage, info: LoadedInfo): string | undefined {
  const tensors = tensorMismatch(pkg.inputs, info.inputs) ?? tensorMismatch(pkg.outputs, info.outputs);
  if (tensors !== undefined) return tensors;
  const [input] = info.inputs;
  const [output] = info.outputs;
  if (input === undefined || output === undefined) return 'the model has no input or no output';
  const classes = output.shape.reduce((product, size) => product * size, 1);
  if (pkg.labels.length > 0 && pkg.labels.length !== classes) {
    return `there are ${pkg.labels.length} labels for ${classes} classes`;
  }
  if (pkg.golden.length > 0 && info.inputs.length !== 1) {
    return `golden cases have one input, the model has ${info.inputs.length}`;
  }
  if (pkg.preprocessing !== undefined) {
    const { width, height } = pkg.preprocessing;
    const wanted = [1, height, width, 3];
    if (wanted.join() !== input.shape.join()) {
      return `preprocessing makes [${wanted.join(', ')}] and the model takes [${input.shape.join(', ')}]`;
    }
  }
  return undefined;
}

async function readGolden(golden: PackageGolden): Promise<readonly [Uint8Array, Uint8Array]> {
  return await Promise.all([readChecked(golden.input), readChecked(golden.output)]);
}

async function readChecked(file: PackageGolden['input']): Promise<Uint8Array> {
  if (file.sizeBytes > maxGoldenBytes) {
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot read a golden case: its ${file.sizeBytes} bytes exceed the limit of ${maxGoldenBytes}`,
    );
  }
  const bytes = await readFile(file.path);
  if (bytes.byteLength !== file.sizeBytes || sha256(bytes) !== file.sha256) {
    throw new AtollError('DATA_LOSS', `cannot read golden case ${file.sha256}: the file does not have this digest`);
  }
  return bytes;
}

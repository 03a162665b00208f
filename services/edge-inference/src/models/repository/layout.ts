/*
 * The layout of a repository, as Triton and TF Serving have it: MODEL/VERSION/ with the files of one package. Decides from the
 * names in a folder alone; names that are not of the layout are somebody else's and passed over.
 */

import type { Segment } from '@atoll/release/target';

/** Names in a version's folder that mean something. */
export interface VersionFiles {
  /** The model for any CPU. */
  readonly cpu: string | undefined;
  /** The compiled model for one Edge TPU. */
  readonly edgeTpu: string | undefined;
  /** The parts of the model as it was cut for several Edge TPUs, in order, as the compiler names them. */
  readonly segments: readonly { readonly name: string; readonly segment: Segment }[];
  readonly labels: string | undefined;
  readonly manifest: string | undefined;
  /** The folder of golden pairs. */
  readonly golden: string | undefined;
}

/** A model's name: it stands in paths, addresses and labels of metrics. */
export function isModelName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(name);
}

/** The version that a folder's name means: a number from 1 without leading zeros; undefined for any other name. */
export function versionOfName(name: string): bigint | undefined {
  return /^[1-9]\d{0,17}$/.test(name) ? BigInt(name) : undefined;
}

/** Versions among the names of a model's folder, rising. */
export function versionsAmong(names: readonly string[]): readonly bigint[] {
  return names.flatMap((name) => versionOfName(name) ?? []).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** What the names of a version's folder mean. */
export function versionFiles(names: readonly string[]): VersionFiles {
  const have = (name: string): string | undefined => (names.includes(name) ? name : undefined);
  return {
    cpu: have('model.tflite'),
    edgeTpu: have('model_edgetpu.tflite'),
    segments: names
      .flatMap((name) => segmentNamed(name) ?? [])
      .toSorted((a, b) => a.segment.count - b.segment.count || a.segment.index - b.segment.index),
    labels: have('labels.txt'),
    manifest: have('manifest.json'),
    golden: have('golden'),
  };
}

function segmentNamed(name: string): VersionFiles['segments'][number] | undefined {
  const [, index, count] = /^model_segment_(\d{1,2})_of_(\d{1,2})(?:_edgetpu)?\.tflite$/.exec(name) ?? [];
  return index === undefined ? undefined : { name, segment: { index: Number(index), count: Number(count) } };
}

/** Pairs NAME.input.bin and NAME.output.bin, by name; a lone one is told by its file name. */
export function goldenPairs(names: readonly string[]): {
  readonly pairs: readonly (readonly [input: string, output: string])[];
  readonly lone: readonly string[];
} {
  const of = (end: string): string[] =>
    names.flatMap((name) => (name.endsWith(end) ? [name.slice(0, -end.length)] : [])).toSorted();
  const [inputs, outputs] = [of('.input.bin'), of('.output.bin')];
  return {
    pairs: inputs
      .filter((name) => outputs.includes(name))
      .map((name) => [`${name}.input.bin`, `${name}.output.bin`] as const),
    lone: [
      ...inputs.filter((name) => !outputs.includes(name)).map((name) => `${name}.input.bin`),
      ...outputs.filter((name) => !inputs.includes(name)).map((name) => `${name}.output.bin`),
    ],
  };
}

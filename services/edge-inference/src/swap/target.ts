/*
 * Which version of a model a request is for: one by its number, the one that carries a label, or, when it names neither, the
 * one that the model's traffic split gives it.
 */
import { AtollError } from '@atoll/base/error';

/** What a version can be called beside its number; at most one version of a model carries each. */
export type VersionLabel = 'stable' | 'canary' | 'shadow';

/** See the head of the file. A label that no version carries is an error when the request is given its version, not before. */
export type VersionTarget = { readonly version: bigint } | { readonly label: string } | undefined;

/** Every label. */
const versionLabels: readonly VersionLabel[] = ['stable', 'canary', 'shadow'];

/** The words for what was wanted, as messages name it. */
export function targetName(model: string, target: VersionTarget): string {
  if (target === undefined) return `model ${model}`;
  return 'version' in target ? `${model} v${target.version}` : `${model} ${JSON.stringify(target.label.slice(0, 40))}`;
}

/** The version that an Open Inference request names, in decimal or by its label; undefined for the empty text. */
export function targetOf(text: string): VersionTarget {
  if (text === '') return undefined;
  if (/^[1-9]\d{0,18}$/.test(text)) return { version: BigInt(text) };
  const label = versionLabels.find((known) => known === text);
  if (label !== undefined) return { label };
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use version ${JSON.stringify(text.slice(0, 40))}: it is neither a number from 1 nor one of ${versionLabels.join(', ')}`,
  );
}

/*
 * Which version of a model a request is for: one by its number, the one that carries a label, or, when it names neither, the
 * one that the model's traffic split gives it.
 */

/** What a version can be called beside its number; at most one version of a model carries each. */
export type VersionLabel = 'stable' | 'canary' | 'shadow';

/** See the head of the file. A label that no version carries is an error when the request is given its version, not before. */
export type VersionTarget = { readonly version: bigint } | { readonly label: string } | undefined;

/** Every label. */
export const versionLabels: readonly VersionLabel[] = ['stable', 'canary', 'shadow'];

/** The words for what was wanted, as messages name it. */
export function targetName(model: string, target: VersionTarget): string {
  if (target === undefined) return `model ${model}`;
  return 'version' in target ? `${model} v${target.version}` : `${model} ${JSON.stringify(target.label.slice(0, 40))}`;
}

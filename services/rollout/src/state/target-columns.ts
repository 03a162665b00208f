import type { Row } from '@atoll/database/row';
import type { Target } from '../decide/fleet-view.js';

/** A release in three columns PREFIX_model, PREFIX_version, PREFIX_sha256; undefined where they are NULL. */
export function targetOf(row: Row, prefix: string): Target | undefined {
  if (row.isNull(`${prefix}_model`)) return undefined;
  return {
    model: row.text(`${prefix}_model`),
    version: row.integer(`${prefix}_version`),
    manifestSha256: row.text(`${prefix}_sha256`),
  };
}

/** The three values of a release, in the order of targetOf's columns. */
export function targetValues(target: Target | undefined): [string | null, bigint | null, string | null] {
  return target === undefined ? [null, null, null] : [target.model, target.version, target.manifestSha256];
}

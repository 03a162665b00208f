/** Whether a release may be stored: what it says of its blobs must be true of the blobs held, and a version never changes. */
import type { Sha256 } from '@atoll/base/digest';
import { AtollError } from '@atoll/base/error';
import type { OpenedRelease } from '@atoll/release/manifest';

/** What the registry found of a blob that a release names; sizeBytes undefined when it does not hold it. */
export interface FoundBlob {
  readonly sha256: Sha256;
  readonly wantedBytes: number;
  readonly sizeBytes: number | undefined;
}

/** 'new' to store the release, 'same' when these very bytes are stored already; ALREADY_EXISTS when others are. */
export function decidePublish(stored: Sha256 | undefined, { manifest, manifestSha256 }: OpenedRelease): 'new' | 'same' {
  if (stored === undefined) return 'new';
  if (stored === manifestSha256) return 'same';
  throw new AtollError(
    'ALREADY_EXISTS',
    `cannot publish ${manifest.model} v${manifest.version}: it was published before with other contents (${stored}), and a version never changes`,
  );
}

/** Refuses a release whose blobs are not all held in the size that it names. */
export function checkHeld({ manifest }: OpenedRelease, found: readonly FoundBlob[]): void {
  const missing = found.filter((blob) => blob.sizeBytes === undefined);
  if (missing.length > 0) {
    const names = missing.slice(0, 3).map((blob) => blob.sha256);
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
    throw refused(manifest, 'FAILED_PRECONDITION', `its blob ${names.join(', ')}${more} was not uploaded`);
  }
  const wrong = found.find((blob) => blob.sizeBytes !== blob.wantedBytes);
  if (wrong !== undefined) {
    const { sha256, sizeBytes, wantedBytes } = wrong;
    throw refused(manifest, 'INVALID_ARGUMENT', `blob ${sha256} has ${sizeBytes} bytes, not ${wantedBytes}`);
  }
}

/** Refuses a release that names other chunk digests than its file `sha256` has. */
export function checkChunks(
  { manifest }: OpenedRelease,
  sha256: Sha256,
  named: readonly Uint8Array[],
  found: readonly Uint8Array[],
): void {
  const wrong = found.findIndex((digest, index) => Buffer.compare(digest, named[index] ?? Buffer.alloc(0)) !== 0);
  if (wrong >= 0 || named.length !== found.length) {
    const chunk = wrong >= 0 ? wrong : found.length;
    throw refused(manifest, 'INVALID_ARGUMENT', `chunk ${chunk} of blob ${sha256} has another digest`);
  }
}

/** Refuses an alias that is not [a-z][a-z0-9-]{0,62}. */
export function parseAlias(text: string): string {
  if (/^[a-z][a-z0-9-]{0,62}$/.test(text)) return text;
  throw new AtollError(
    'INVALID_ARGUMENT',
    `cannot use alias ${JSON.stringify(text.slice(0, 80))}: it must be 1 to 63 of a-z, 0-9 and -, a letter first`,
  );
}

function refused(
  manifest: OpenedRelease['manifest'],
  code: 'FAILED_PRECONDITION' | 'INVALID_ARGUMENT',
  reason: string,
): AtollError {
  return new AtollError(code, `cannot publish ${manifest.model} v${manifest.version}: ${reason}`);
}

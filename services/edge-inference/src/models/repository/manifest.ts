/** The optional manifest.json of a version: what a .tflite file cannot say of itself, and the digests that its files must have. */
import { AtollError, reasonOf } from '@atoll/base/error';
import { squashed } from '@atoll/image/preprocessing';
import type { Preprocessing } from '@atoll/image/preprocessing';

/** What a manifest may say. */
export interface FolderManifest {
  /** Digest by file name. */
  readonly sha256: Readonly<Record<string, string>>;
  readonly preprocessing: Preprocessing | undefined;
  /** How far an element of a golden output may be off: counts for integer outputs, real units for float ones. */
  readonly tolerance: number;
}

/** Of a version without a manifest. */
export const emptyManifest: FolderManifest = { sha256: {}, preprocessing: undefined, tolerance: 1 };

/**
 * `{"sha256": {"model.tflite": "…"}, "preprocessing": {"width", "height", "mean": [..], "std": [..]}, "tolerance": 1}`, every
 * part optional; mean and std are in pixel steps. INVALID_ARGUMENT names the part that is wrong, unknown parts included.
 */
export function readManifest(bytes: Uint8Array, path: string): FolderManifest {
  const refuse = (reason: string): AtollError => new AtollError('INVALID_ARGUMENT', `cannot use ${path}: ${reason}`);
  const root = objectOf(parse(bytes, refuse), 'it', refuse);
  for (const name of Object.keys(root)) {
    if (!['sha256', 'preprocessing', 'tolerance'].includes(name)) throw refuse(`${name} is not known`);
  }
  const { sha256 = {}, preprocessing, tolerance = emptyManifest.tolerance } = root;
  const digests: Record<string, string> = {};
  for (const [name, digest] of Object.entries(objectOf(sha256, 'sha256', refuse))) {
    if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) throw refuse(`sha256.${name} is no SHA-256`);
    digests[name] = digest;
  }
  if (typeof tolerance !== 'number' || !(tolerance >= 0)) throw refuse('tolerance is not a number from 0');
  return {
    sha256: digests,
    tolerance,
    preprocessing:
      preprocessing === undefined
        ? undefined
        : preprocessingOf(objectOf(preprocessing, 'preprocessing', refuse), refuse),
  };
}

type Refuse = (reason: string) => AtollError;

function parse(bytes: Uint8Array, refuse: Refuse): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw refuse(reasonOf(error));
  }
}

function objectOf(value: unknown, what: string, refuse: Refuse): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refuse(`${what} is not a JSON object`);
}

function preprocessingOf(value: Readonly<Record<string, unknown>>, refuse: Refuse): Preprocessing {
  const size = (name: 'width' | 'height'): number => {
    const of = value[name];
    if (typeof of === 'number' && Number.isInteger(of) && of > 0 && of <= 10_000) return of;
    throw refuse(`preprocessing.${name} is not a whole number from 1 to 10000`);
  };
  const perChannel = (name: 'mean' | 'std', fits: (one: number) => boolean): readonly number[] => {
    const of: unknown = value[name];
    const numbers = Array.isArray(of) ? (of as readonly unknown[]) : [of];
    if (
      [1, 3].includes(numbers.length) &&
      numbers.every((one): one is number => typeof one === 'number' && fits(one))
    ) {
      return numbers;
    }
    throw refuse(`preprocessing.${name} is not 1 or 3 numbers${name === 'std' ? ' above 0' : ''}`);
  };
  return squashed(
    size('width'),
    size('height'),
    perChannel('mean', () => true),
    perChannel('std', (one) => one > 0),
  );
}

/** Readers of option values; each refuses with words that commander joins to the option's name. */
import { InvalidArgumentError } from 'commander';

/** A whole number within [min, max]. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A number within [min, max]. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A span of time such as 500ms, 30s, 5m, 1h; milliseconds. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = unitsMs[unit ?? ''];
  if (count === undefined || unitMs === undefined)
    throw new InvalidArgumentError('It must be a time such as 500ms, 30s, 5m or 1h.');
  return Math.round(Number(count) * unitMs);
}

/** "a=b,c=d" as a record. */
export function pairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, key, value] = /^\s*([^=\s]+)\s*=\s*(\S.*?)\s*$/.exec(part) ?? [];
      if (key === undefined || value === undefined) throw new InvalidArgumentError('It must be KEY=VALUE,KEY=VALUE.');
      return [key, value] as const;
    }),
  );
}

/** Words between commas, none empty. */
export function list(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('It must be words between commas.');
  return words;
}

/** Words between commas, each one of `known`. */
export function oneOrMoreOf<T extends string>(known: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    list(text).map((word) => {
      const found = known.find((name) => name === word);
      if (found === undefined) throw new InvalidArgumentError(`${word} is none of ${known.join(', ')}.`);
      return found;
    });
}

/** Ranges of the random change of training photos. */
export interface AugmentOption {
  readonly zoom: number;
  readonly rotateDegrees: number;
  readonly shearDegrees: number;
}

/** "zoom=.3,rotate=25,shear=.1", each part optional; "none" switches all off. */
export function augmentation(text: string): AugmentOption {
  const given = text === 'none' ? {} : pairs(text);
  const known = ['zoom', 'rotate', 'shear'];
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${known.join(', ')}.`);
  const read = (key: string, max: number): number => number(0, max)(given[key] ?? '0');
  return { zoom: read('zoom', 0.99), rotateDegrees: read('rotate', 180), shearDegrees: read('shear', 89) };
}

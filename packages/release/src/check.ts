import { AtollError } from '@atoll/base/error';

/** Refuses a message for a fault of one of its fields. */
export type Refuse = (fault: string) => AtollError;

/** A Refuse whose errors begin with "cannot use WHAT:". */
export function refuser(what: string): Refuse {
  return (fault) => new AtollError('INVALID_ARGUMENT', `cannot use ${what}: ${fault}`);
}

/** A text for messages: quoted, cut after 80 characters. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** True for a model, rollout or node name. */
export function isName(text: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(text);
}

/** True for a SHA-256 in lower-case hexadecimal. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** True for a number that is finite and within [min, max]. */
export function isWithin(value: number, min: number, max: number): boolean {
  return Number.isFinite(value) && value >= min && value <= max;
}

/** Refuses a map of texts that has too many entries, empty keys or long texts. */
export function checkTexts(
  what: string,
  map: Readonly<Record<string, string>>,
  maxEntries: number,
  refuse: Refuse,
): void {
  const entries = Object.entries(map);
  if (entries.length > maxEntries) throw refuse(`it has ${entries.length} ${what}, ${maxEntries} are allowed`);
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128 || value.length > 1024)
      throw refuse(`${what} ${shown(key)} is empty or too long`);
  }
}

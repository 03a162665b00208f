import { AtollError } from '@atoll/base/error';

/** The size of a page: as asked, `fallback` when nothing is asked, refused above `most`. */
export function pageSizeOf(asked: number, fallback: number, most: number): number {
  if (asked > most) throw new AtollError('INVALID_ARGUMENT', `cannot give ${asked} entries a page: ${most} at most`);
  return asked === 0 ? fallback : asked;
}

/** Refuses a page token that is not what a page before gave. */
export function badToken(token: string): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot use page token ${JSON.stringify(token.slice(0, 80))}: it is none`);
}

import { AtollError } from '@atoll/base/error';

/** Where a page of releases ends: the next begins after this one. */
export interface PageEnd {
  readonly model: string;
  readonly version: bigint;
}

/** How many releases a page may have: as asked, 100 when nothing is asked. */
export function pageSizeOf(asked: number): number {
  if (asked > 1_000) throw new AtollError('INVALID_ARGUMENT', `cannot list ${asked} releases a page: 1,000 at most`);
  return asked === 0 ? 100 : asked;
}

/** The token of a page's end. */
export function pageToken({ model, version }: PageEnd): string {
  return `${model}/${version}`;
}

/** The end that a token names; undefined for the first page. */
export function parsePageToken(token: string): PageEnd | undefined {
  if (token === '') return undefined;
  const [, model, version] = /^([a-z0-9-]{1,63})\/([1-9]\d{0,15})$/.exec(token) ?? [];
  if (model === undefined || version === undefined) {
    throw new AtollError('INVALID_ARGUMENT', `cannot use page token ${JSON.stringify(token.slice(0, 80))}: it is none`);
  }
  return { model, version: BigInt(version) };
}

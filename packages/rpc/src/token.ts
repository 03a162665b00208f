import { createHash, timingSafeEqual } from 'node:crypto';
import { AtollError } from '@atoll/base/error';
import type { Logger } from '@atoll/base/log';
import { readSmall, watchFiles, type Watched } from './watched-files.js';

/** Tokens that let a caller in; only their digests are kept. */
export interface Tokens {
  /** The name of the token in an `authorization: Bearer TOKEN` header; undefined for one that is not known. */
  nameOf(authorization: string): string | undefined;
}

interface Known {
  readonly name: string;
  readonly digest: Buffer;
}

/**
 * A list of tokens: one a line, `TOKEN` or `NAME TOKEN`; empty lines and lines that begin with # do not count. A token without a
 * name is called by the start of its digest.
 */
export function parseTokens(path: string, text: string): Tokens {
  const known = text.split(/\r?\n/).flatMap((line, index): Known[] => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, name, token = ''] = /^(?:(\S+)\s+)?([\x21-\x7e]+)\s*$/.exec(line) ?? [];
    if (token === '')
      throw new AtollError(
        'FAILED_PRECONDITION',
        `cannot use ${path}: line ${index + 1} is neither TOKEN nor NAME TOKEN`,
      );
    const digest = digestOf(token);
    return [{ name: name ?? `token-${digest.toString('hex').slice(0, 8)}`, digest }];
  });
  if (known.length === 0) throw new AtollError('FAILED_PRECONDITION', `cannot use ${path}: it holds no token`);
  return {
    nameOf(authorization) {
      const [, token] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
      if (token === undefined) return undefined;
      const digest = digestOf(token);
      // All of them, so that the time tells nothing of which one it was.
      return known.reduce<string | undefined>(
        (found, candidate) => (timingSafeEqual(candidate.digest, digest) ? candidate.name : found),
        undefined,
      );
    },
  };
}

/** Reads a list of tokens and follows its changes. */
export function watchTokens(path: string, log: Logger): Promise<Watched<Tokens>> {
  return watchFiles([path], ([bytes]) => parseTokens(path, bytes?.toString('utf8') ?? ''), log);
}

/** The first token of such a list, for a client to show. */
export async function readToken(path: string): Promise<string> {
  const text = (await readSmall(path)).toString('utf8');
  parseTokens(path, text);
  const line = text.split(/\r?\n/).find((candidate) => candidate.trim() !== '' && !candidate.startsWith('#'));
  return line?.trim().split(/\s+/).at(-1) ?? '';
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/*
 * Reads a package index without pip: the project's page as JSON (PEP 691), in it the one file that has the pinned
 * SHA-256, and that file as a stream that ends in an error as soon as it is longer than it should be.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { AtollError, reasonOf } from '@atoll/base/error';
import { megabytes } from './progress.js';

const maxPageBytes = 32 * 2 ** 20;
const pageType = 'application/vnd.pypi.simple.v1+json';

/** Which file of which index is wanted. */
export interface IndexFile {
  /** The index as pip is given it; a user name and password in it are sent as Basic authorization. */
  readonly index: string;
  readonly project: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Writes the wanted file to `path`; UNAVAILABLE or DATA_LOSS when the index cannot give it as it is pinned. */
export async function downloadFromIndex(
  file: IndexFile,
  path: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const { base, headers } = splitCredentials(file.index, file.project);
  const page = await get(base, { ...headers, accept: pageType }, signal);
  if (!(page.headers.get('content-type') ?? '').includes('json')) {
    throw new AtollError(
      'UNAVAILABLE',
      `cannot read the package index for ${file.project}: it speaks no JSON (PEP 691)`,
    );
  }
  const address = findFile(await readCapped(page, maxPageBytes), file.sha256);
  if (address === undefined) {
    throw new AtollError(
      'UNAVAILABLE',
      `cannot find ${file.project} in the package index: no file has the pinned SHA-256`,
    );
  }
  const url = new URL(address, page.url);
  const sameHost = url.host === base.host;
  const answer = await get(url, sameHost ? headers : {}, signal);
  if (answer.body === null) throw new AtollError('UNAVAILABLE', `cannot fetch ${file.project}: the answer is empty`);
  const body = Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
  await pipeline(body, exactly(file, say), createWriteStream(path), { signal });
}

/** The address of the file with this SHA-256 on a PEP 691 page, or undefined. */
function findFile(page: unknown, sha256: string): string | undefined {
  if (typeof page !== 'object' || page === null || !('files' in page) || !Array.isArray(page.files)) return undefined;
  for (const file of page.files as unknown[]) {
    if (typeof file !== 'object' || file === null || !('url' in file) || !('hashes' in file)) continue;
    const { url, hashes } = file;
    if (typeof hashes !== 'object' || hashes === null || !('sha256' in hashes)) continue;
    if (hashes.sha256 === sha256 && typeof url === 'string') return url;
  }
  return undefined;
}

function splitCredentials(index: string, project: string): { base: URL; headers: Readonly<Record<string, string>> } {
  const base = new URL(`${index.replace(/\/+$/, '')}/${project.toLowerCase().replace(/[-_.]+/g, '-')}/`);
  const { username, password } = base;
  base.username = '';
  base.password = '';
  if (username === '') return { base, headers: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { base, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

async function get(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers, signal });
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new AtollError('UNAVAILABLE', `cannot reach the package index: ${reasonOf(cause)}`, { cause: error });
  }
  if (answer.ok) return answer;
  throw new AtollError('UNAVAILABLE', `cannot read the package index: it answers ${answer.status}`);
}

async function readCapped(answer: Response, maxBytes: number): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of Readable.fromWeb(answer.body as ReadableStream<Uint8Array>) as AsyncIterable<Uint8Array>) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes)
      throw new AtollError('UNAVAILABLE', 'cannot read the package index: its page is too large');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch (error) {
    throw new AtollError('UNAVAILABLE', `cannot read the package index: ${reasonOf(error)}`, { cause: error });
  }
}

/** Passes the bytes on, and fails when they are more than, or in the end not, the pinned ones. */
function exactly(file: IndexFile, say: (line: string) => void): Transform {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let saidBytes = 0;
  const stepBytes = 50e6;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done): void {
      sizeBytes += chunk.length;
      if (sizeBytes > file.sizeBytes) {
        done(
          new AtollError(
            'DATA_LOSS',
            `cannot use ${file.project}: it is longer than the pinned ${file.sizeBytes} bytes`,
          ),
        );
        return;
      }
      if (sizeBytes - saidBytes >= stepBytes) {
        saidBytes = sizeBytes;
        say(`    ${megabytes(sizeBytes)} of ${megabytes(file.sizeBytes)}`);
      }
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done): void {
      const found = hash.digest('hex');
      const matches = found === file.sha256;
      done(
        matches
          ? null
          : new AtollError('DATA_LOSS', `cannot use ${file.project}: its SHA-256 is ${found}, not the pinned one`),
      );
    },
  });
}

import { promisify } from 'node:util';
import { deflate, gzip, constants } from 'node:zlib';
import type { Answer } from './answer.js';

/** Shorter bodies are sent as they are: folding them costs more than it saves. */
const leastBytes = 1_024;

/** The answer, folded as the caller takes it; as it is when the caller asks for nothing or the body is short. */
export async function compressed(answer: Answer, accept: string | readonly string[] | undefined): Promise<Answer> {
  const encoding = encodingFor(String(accept ?? ''));
  const sizeBytes = answer.body.reduce((sum, part) => sum + part.byteLength, 0);
  if (encoding === undefined || sizeBytes < leastBytes || answer.status !== 200) return answer;
  const fold = promisify<Buffer, { level: number }, Buffer>(encoding === 'gzip' ? gzip : deflate);
  const body = await fold(Buffer.concat(answer.body), { level: constants.Z_BEST_SPEED });
  return { ...answer, headers: { ...answer.headers, 'content-encoding': encoding }, body: [body] };
}

/** Of Accept-Encoding: gzip before deflate, what has q=0 not at all. */
export function encodingFor(accept: string): 'gzip' | 'deflate' | undefined {
  if (accept === '') return undefined;
  const taken = accept.split(',').flatMap((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [name];
  });
  return taken.includes('gzip') ? 'gzip' : taken.includes('deflate') ? 'deflate' : undefined;
}

/** Photos asked of a node, one call each or all in one stream. */
import { readFile, stat } from 'node:fs/promises';
import { AtollError, isAtollError } from '@atoll/base/error';
import { maxEncodedBytes } from '@atoll/image/decode';
import { InferenceServiceService, type PredictResponse } from '@atoll/proto/atoll/v1/inference';
import type { Channel } from '@atoll/rpc/channel';

/** What to ask. */
export interface InferQuestion {
  readonly model: string;
  /** 0n = the one in service. */
  readonly version: bigint;
  readonly top: number;
}

/** Asks for one photo after the other. */
export async function* inferEach(
  channel: Channel,
  paths: readonly string[],
  question: InferQuestion,
  signal: AbortSignal,
): AsyncGenerator<PredictResponse> {
  const inference = channel.client(InferenceServiceService);
  for (const path of paths) {
    const image = await photo(path);
    try {
      yield await inference.predict({ ...question, versionLabel: '', image }, { signal });
    } catch (error) {
      // The node knows the photo by its size alone.
      if (!isAtollError(error, 'INVALID_ARGUMENT')) throw error;
      throw new AtollError('INVALID_ARGUMENT', `cannot infer ${path}: ${error.message}`, { cause: error });
    }
  }
}

/** Asks for all photos in one stream; the answers come in the same order. */
export async function* inferStream(
  channel: Channel,
  paths: readonly string[],
  question: InferQuestion,
  signal: AbortSignal,
): AsyncGenerator<PredictResponse> {
  const inference = channel.client(InferenceServiceService);
  async function* requests() {
    for (const path of paths) yield { request: { ...question, versionLabel: '', image: await photo(path) } };
  }
  let answered = 0;
  for await (const { result } of inference.predictStream(requests(), { signal })) {
    const path = paths[answered++] ?? '';
    if (result?.$case !== 'response')
      throw new AtollError('INVALID_ARGUMENT', `cannot infer ${path}: ${result?.value ?? 'the node gave no answer'}`);
    yield result.value;
  }
}

async function photo(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > maxEncodedBytes)
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${path}: its ${size} bytes exceed ${maxEncodedBytes}`);
  return readFile(path);
}

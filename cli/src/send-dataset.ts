import { relative } from 'node:path';
import { describeDataset } from '@atoll/artifacts/dataset';
import { uploadBlobs } from '@atoll/artifacts/remote';
import { AtollError } from '@atoll/base/error';
import { imagesIn } from '@atoll/image/images-in';
import type { Channel } from '@atoll/rpc/channel';
import type { Progress } from './progress.js';

/** What a sent data set is called and holds. */
export interface SentDataset {
  readonly sha256: string;
  readonly images: number;
}

/** Sends a folder of photos to a service, as far as it does not hold them yet; INVALID_ARGUMENT when there are none. */
export async function sendDataset(
  channel: Channel,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<SentDataset> {
  const images = await imagesIn([folder]);
  if (images.length === 0)
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use ${folder}: there is no photo in it or in the folders below it`,
    );
  if (images[0]?.path === folder)
    throw new AtollError('INVALID_ARGUMENT', `cannot use ${folder}: it is a file, and a folder of photos is needed`);
  progress.step({ label: `reading ${folder}`, done: images.length, total: 0, unit: 'photos' });
  const dataset = await describeDataset(
    folder,
    images.map(({ path }) => relative(folder, path).replaceAll('\\', '/')),
  );
  await uploadBlobs(channel, dataset.blobs, signal);
  return { sha256: dataset.sha256, images: images.length };
}

/** Runs a float model and int8 files made of it on the same photos, all by the same kernels, and compares what they say. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { cachePaths } from '@atoll/base/cache';
import type { Env } from '@atoll/base/env';
import { AtollError } from '@atoll/base/error';
import { decodeImage } from '@atoll/image/decode';
import { imagesIn, type ListedImage } from '@atoll/image/images-in';
import type { LoadedModel, TensorSpec } from '@atoll/runtime/model';
import { openModel } from '@atoll/runtime/open';
import { realValues } from '../scores.js';
import { photoVerdict, type PhotoVerdict } from './agreement.js';

/** What to judge. */
export interface JudgeRequest {
  /** The float .tflite that is the measure. */
  readonly float: string;
  /** int8 files by the name of who made them. */
  readonly files: ReadonlyMap<string, string>;
  /** Photos in folders by class, or mosaics (see `mosaicClasses`). */
  readonly photos: string;
  readonly labels: readonly string[];
}

/** The verdicts of each file, in the order of the photos. */
export interface Judged {
  readonly backend: string;
  readonly verdicts: ReadonlyMap<string, readonly PhotoVerdict[]>;
}

/** Judges files; `onPhoto` is told how many photos are done. */
export async function judgeFiles(
  request: JudgeRequest,
  env: Env,
  onPhoto: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Judged> {
  const opened: LoadedModel[] = [];
  try {
    const open = async (path: string): Promise<LoadedModel> => {
      const { liteRt, tfLite } = cachePaths(env);
      const model = await openModel(await readFile(path), { backend: 'native', libraries: { liteRt, tfLite } });
      opened.push(model);
      return model;
    };
    const float = await open(request.float);
    const judged: { readonly name: string; readonly model: LoadedModel; readonly verdicts: PhotoVerdict[] }[] = [];
    for (const [name, path] of request.files) judged.push({ name, model: await open(path), verdicts: [] });
    const photos = await imagesIn([request.photos]);
    let done = 0;
    for (const photo of photos) {
      const pixels = await readPixels(photo, float, signal);
      const [expected, ...actual] = await Promise.all([float, ...judged.map(({ model }) => model)].map(answer(pixels)));
      const classes = request.labels.length;
      const truth = truthOf(photo, request.labels, (expected?.length ?? 0) / classes);
      judged.forEach(({ verdicts }, i) =>
        verdicts.push(photoVerdict(expected ?? new Float32Array(), actual[i] ?? new Float32Array(), classes, truth)),
      );
      onPhoto(++done, photos.length);
    }
    return { backend: float.backend, verdicts: new Map(judged.map(({ name, verdicts }) => [name, verdicts])) };
  } finally {
    await Promise.all(opened.map((model) => model.close()));
  }
}

async function readPixels(photo: ListedImage, model: LoadedModel, signal: AbortSignal): Promise<Uint8Array> {
  const [, height = 0, width = 0] = model.inputs[0]?.shape ?? [];
  return decodeImage(photo.path, { width, height, channels: 3 }, signal);
}

/** The scores of a photo whose float pixels are 0..1. */
function answer(pixels: Uint8Array): (model: LoadedModel) => Promise<Float32Array> {
  return async (model) => {
    const [input] = model.inputs;
    const [output] = model.outputs;
    if (input === undefined || output === undefined)
      throw new AtollError('FAILED_PRECONDITION', 'cannot judge a model without input or output');
    const [scores = new Uint8Array()] = await model.run([inputBytes(pixels, input)]);
    return realValues(scores, output);
  };
}

/** Each file is given pixel / 255 in the scale and zero point that its own maker chose. */
function inputBytes(pixels: Uint8Array, { dtype, scale, zeroPoint }: TensorSpec): Uint8Array {
  if (dtype === 'float32') return new Uint8Array(Float32Array.from(pixels, (pixel) => pixel / 255).buffer);
  const [least, most] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const table = Uint8Array.from({ length: 256 }, (_, pixel) => {
    const value = Math.round(pixel / 255 / (scale ?? 1)) + (zeroPoint ?? 0);
    return Math.min(most, Math.max(least, value)) & 0xff;
  });
  return pixels.map((pixel) => table[pixel] ?? 0);
}

/** The true class of each decision: the folder's, or for every pixel that of its quarter of the mosaic. */
function truthOf(photo: ListedImage, labels: readonly string[], decisions: number): (decision: number) => number {
  if (decisions === 1) {
    const trueClass = labels.indexOf(photo.folder ?? '');
    return () => trueClass;
  }
  const quarters = mosaicClasses(photo.path).map((name) => labels.indexOf(name));
  const side = Math.sqrt(decisions);
  return (pixel) => {
    const [row, column] = [Math.floor(pixel / side), pixel % side];
    return quarters[(row * 2 >= side ? 2 : 0) + (column * 2 >= side ? 1 : 0)] ?? -1;
  };
}

/** The classes that a mosaic's file name tells: NUMBER-TOPLEFT-TOPRIGHT-BOTTOMLEFT-BOTTOMRIGHT.png. */
function mosaicClasses(path: string): readonly string[] {
  return basename(path, '.png').split('-').slice(1);
}

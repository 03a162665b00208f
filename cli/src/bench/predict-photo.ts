/** What a node takes to judge an encoded photo beyond the run of the model. */
import { InferenceServiceService } from '@atoll/proto/atoll/v1/inference';
import { encodeJpeg } from '@atoll/image/encode';
import { openChannel } from '@atoll/rpc/channel';
import type { RunningServer } from './bench-server.js';
import { percentile } from './percentiles.js';
import type { ServedModel } from './served-models.js';

/** Medians of one client's calls, one after another. */
export interface PhotoTimes {
  readonly photoBytes: number;
  /** From call to answer. */
  readonly totalMs: number;
  /** The run of the model alone, as the node tells it. */
  readonly inferMs: number;
  /** The median of what a call took beyond the run. */
  readonly besideMs: number;
}

const width = 640;
const height = 480;
const warmUpCalls = 10;

/** Sends one photo of 640 x 480 so often. */
export async function predictPhoto(
  server: RunningServer,
  model: ServedModel,
  calls: number,
  signal: AbortSignal,
): Promise<PhotoTimes> {
  const image = Buffer.from(await encodeJpeg(texture(), { width, height }, 85));
  const channel = openChannel(server.address);
  try {
    const client = channel.client(InferenceServiceService);
    const total: number[] = [];
    const infer: number[] = [];
    for (let call = -warmUpCalls; call < calls; call++) {
      const began = performance.now();
      const { inferMs } = await client.predict(
        { model: model.name, version: 0n, versionLabel: '', image, top: 1 },
        { signal },
      );
      if (call < 0) continue;
      total.push(performance.now() - began);
      infer.push(inferMs);
    }
    return {
      photoBytes: image.byteLength,
      totalMs: percentile(total, 0.5),
      inferMs: percentile(infer, 0.5),
      besideMs: percentile(
        total.map((ms, i) => ms - (infer[i] ?? 0)),
        0.5,
      ),
    };
  } finally {
    channel.close();
  }
}

/** Waves with grain: as JPEG of quality 85 about as many bytes as a photograph. */
function texture(): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    const wave = 60 * Math.sin(x / 17 + (i % 3)) + 50 * Math.cos(y / 23 + x / 90);
    pixels[i] = Math.max(0, Math.min(255, 128 + wave + (state / 2 ** 32 - 0.5) * 16));
  }
  return pixels;
}

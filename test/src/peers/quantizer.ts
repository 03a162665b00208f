/** A quantizer-compiler of the tests' own, asked over its gRPC as people's clients do. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadBytes } from '@atoll/artifacts/remote';
import { cachePaths } from '@atoll/base/cache';
import { systemClock } from '@atoll/base/clock';
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import { sendModel } from '@atoll/cli/model-files';
import { runQuantization } from '@atoll/cli/run-quantization';
import { sendDataset } from '@atoll/cli/send-dataset';
import { startQuantizerCompiler } from '@atoll/quantizer-compiler/service';
import { openChannel } from '@atoll/rpc/channel';

/** How a model is quantized; uint8 at both ends. */
export interface QuantizeSettings {
  readonly model: string;
  readonly photos: string;
  readonly ranges: string;
  readonly samples: number;
}

/** Quantizes until it is stopped. */
export interface TestQuantizer {
  /** Writes the int8 file of a float model. */
  quantize(settings: QuantizeSettings, out: string): Promise<void>;
  stop(): Promise<void>;
}

const quiet = { step: () => undefined, line: () => undefined, end: () => undefined };
const maxModelBytes = 512 * 1024 * 1024;

/** Starts one. */
export async function startQuantizer(signal: AbortSignal): Promise<TestQuantizer> {
  const root = await mkdtemp(join(tmpdir(), 'atoll-quantizer-'));
  const { liteRt, tfLite } = cachePaths(process.env);
  const running = await startQuantizerCompiler(
    {
      listen: `unix:${join(root, 'socket')}`,
      dataDir: join(root, 'data'),
      logLevel: 'error',
      maxRunningJobs: 1,
      results: { folder: join(root, 'results'), maxEntries: 1, maxBytes: 1 },
      jobTimeoutMs: 300_000,
      libraries: { liteRt, tfLite },
      edgeTpuCompiler: null,
      searchPath: '',
      compilerTimeoutMs: 1000,
      childEnv: process.env,
    },
    { log: silentLogger, clock: systemClock },
  );
  const channel = openChannel(running.address);
  return {
    quantize: async ({ model, photos, ranges, samples }, out) => {
      const { artifacts } = await runQuantization(
        channel,
        {
          model: await sendModel(channel, model, signal),
          task: {
            $case: 'quantize',
            value: {
              datasetSha256: (await sendDataset(channel, photos, quiet, signal)).sha256,
              samples,
              inputType: 'uint8',
              outputType: 'uint8',
              ranges,
              pixels: '0..1',
              evalDatasetSha256: '',
              labels: [],
              seed: 0n,
              mode: 'full-integer',
              page: false,
            },
          },
          fresh: true,
        },
        quiet,
        signal,
      );
      const made = artifacts.find(({ name }) => name === 'model.tflite');
      if (made === undefined) throw new AtollError('NOT_FOUND', `cannot quantize ${model}: no model.tflite came of it`);
      await writeFile(out, await downloadBytes(channel, made.sha256, maxModelBytes, signal));
    },
    stop: async () => {
      channel.close();
      await running.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

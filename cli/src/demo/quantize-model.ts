import { join } from 'node:path';
import { describeDataset } from '@atoll/artifacts/dataset';
import { downloadBytes, uploadBlobs } from '@atoll/artifacts/remote';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { Channel } from '@atoll/rpc/channel';
import { sendModel } from '../model-files.js';
import { artifactOf, fetchArtifacts, writeFolder } from '../output-files.js';
import type { Progress } from '../progress.js';
import { parseQuantizeReport, type QuantizeReport } from '../quantize-report.js';
import { plainCompilation, runQuantization } from '../run-quantization.js';
import type { DemoPhotos, PhotoSet } from './photos.js';

/** What quantizing brought. */
export interface Quantized {
  readonly report: QuantizeReport;
  /** The int8 .tflite with labels and metadata. */
  readonly int8: Buffer;
  readonly plan: EdgeTpuFigures;
}

/** The Edge TPU's part of the work. */
export interface EdgeTpuFigures {
  readonly compiled: boolean;
  readonly onEdgeTpu: number;
  readonly onCpu: number;
}

const maxFileBytes = 64 * 1024 * 1024;

/** Quantizes model.h5 of a training to int8, compares both on photos where asked, and plans for the Edge TPU; all by digest. */
export async function quantizeModel(
  quantizer: Channel,
  photos: DemoPhotos,
  model: { readonly runDir: string; readonly outDir: string; readonly compare: boolean },
  progress: Progress,
  signal: AbortSignal,
): Promise<Quantized> {
  const send = async ({ root, paths }: PhotoSet): Promise<string> => {
    const dataset = await describeDataset(root, paths);
    await uploadBlobs(quantizer, dataset.blobs, signal);
    return dataset.sha256;
  };
  const job = await runQuantization(
    quantizer,
    {
      model: await sendModel(quantizer, join(model.runDir, 'model.h5'), signal),
      task: {
        $case: 'quantize',
        value: {
          datasetSha256: await send(photos.validation),
          samples: 100,
          inputType: 'uint8',
          outputType: 'uint8',
          ranges: '',
          pixels: '0..1',
          evalDatasetSha256: model.compare ? await send(photos.heldOut) : '',
          labels: [...photos.classes],
          seed: 1n,
          mode: '',
          page: false,
        },
      },
      fresh: false,
    },
    progress,
    signal,
  );
  const int8 = artifactOf(job.artifacts, 'model.tflite');
  // The plan's warnings have been told with the quantization's.
  const silent: Progress = { ...progress, line: () => undefined };
  const planned = await runQuantization(
    quantizer,
    { model: [int8], task: { $case: 'compile', value: plainCompilation }, fresh: false },
    silent,
    signal,
  );
  await writeFolder(model.outDir, (folder) =>
    fetchArtifacts(quantizer, [...job.artifacts, ...planned.artifacts], folder, signal),
  );
  const fetch = ({ sha256 }: Artifact): Promise<Buffer> => downloadBytes(quantizer, sha256, maxFileBytes, signal);
  return {
    report: parseQuantizeReport(await fetch(artifactOf(job.artifacts, 'report.json'))),
    int8: await fetch(int8),
    plan: JSON.parse((await fetch(artifactOf(planned.artifacts, 'plan.json'))).toString('utf8')) as EdgeTpuFigures,
  };
}

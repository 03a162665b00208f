import type { Command } from 'commander';
import { basename } from 'node:path';
import { sha256 } from '@atoll/base/digest';
import { AtollError, isAtollError } from '@atoll/base/error';
import { inspectEdgeTpu } from '@atoll/edgetpu/inspect';
import { readPrivateKey } from '@atoll/release/keys';
import { readModel } from '@atoll/tflite/read';
import { openClassifier } from '../classifier.js';
import { type Context, keyPath } from '../context.js';
import { withRegistry } from '../fleet.js';
import { readLabelsFile, readLabelsFor } from '../labels.js';
import type { Machine } from '../machine.js';
import { readModelFile } from '../model-files.js';
import { integer } from '../parse-option.js';
import { runtimeOf, segmentRuntimes } from '../publish/edge-tpu-file.js';
import type { EdgeTpuFile } from '../publish/edge-tpu-file.js';
import { goldenFromFolder, syntheticGolden } from '../publish/golden.js';
import type { CompiledPart } from '../publish/manifest.js';
import { nextVersion, publishRelease } from '../publish/publish-release.js';
import { action, addVerb } from '../verb.js';

interface PublishOptions {
  readonly model: string;
  readonly version?: number;
  readonly edgetpu?: string;
  readonly segments?: readonly string[];
  readonly labels?: string;
  readonly golden?: string;
  readonly alias?: string;
}

/** `atoll publish`. */
export function addPublish(program: Command, machine: Machine): void {
  addVerb(
    program,
    'publish <file>',
    'sign a .tflite with the build key and store it as a release; a version once published never changes',
    'atoll publish model.tflite --model photos --golden photos/test --alias stable',
  )
    .requiredOption('--model <name>', 'name of the model, of a-z, 0-9 and -')
    .option('--version <n>', 'default: the next', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--edgetpu <file>', 'the same model as the Edge TPU compiler made it')
    .option(
      '--segments <file...>',
      'the same model as the compiler cut it for several Edge TPUs in a row, every part in order',
    )
    .option('--labels <file>', "class names, one a line (default: the model's own, or labels.txt beside it)")
    .option('--golden <dir>', 'photos, or pairs NAME.input.bin and NAME.output.bin, that each node checks first')
    .option('--alias <name>', 'an alias to point at it, for example stable')
    .action(action<PublishOptions>(machine, publish));
}

async function publish(context: Context, options: PublishOptions, [file = '']: readonly string[]): Promise<void> {
  const { signal, env } = context;
  const cpu = await readModelFile(file);
  const buildKey = await readBuildKey(context);
  const edgeTpu = options.edgetpu === undefined ? undefined : await edgeTpuFile(options.edgetpu, cpu, file);
  const segments = options.segments === undefined ? [] : await segmentFiles(options.segments, cpu, file);
  const named = options.labels === undefined ? undefined : await readLabelsFile(options.labels);
  const model = await openClassifier(cpu, { env, backend: 'auto', labels: named, name: file });
  try {
    const labels = model.labels.length > 0 ? model.labels : await readLabelsFor(file, undefined);
    const golden =
      options.golden === undefined
        ? await syntheticGolden(model)
        : await goldenFromFolder(options.golden, model, signal);
    const { release, artifacts } = await withRegistry(context, async (registry) => {
      const version = BigInt(options.version ?? 0) || (await nextVersion(registry, options.model, signal));
      const parts = {
        model: options.model,
        version,
        cpu,
        ...(edgeTpu === undefined ? {} : { edgeTpu }),
        segments,
        input: model.input,
        output: model.output,
        preprocessing: model.preprocessing,
        labels,
        golden,
        lineage: { file: basename(file), sha256: sha256(cpu) },
        nowMs: Date.now(),
      };
      return publishRelease(registry, parts, { buildKey, alias: options.alias ?? '', signal });
    });
    context.result(
      { model: release.model, version: release.version, manifestSha256: release.manifestSha256, artifacts },
      `Published ${release.model} v${release.version} with ${golden.length} golden cases; manifest ${release.manifestSha256}`,
    );
  } finally {
    await model.close();
  }
}

async function readBuildKey(context: Context) {
  const path = context.env['ATOLL_BUILD_KEY'] ?? keyPath(context.dataDir, 'build.pem');
  try {
    return await readPrivateKey(path);
  } catch (error) {
    if (!isAtollError(error, 'NOT_FOUND')) throw error;
    throw new AtollError(
      'NOT_FOUND',
      `cannot sign the release: the build key is not at ${path}; \`atoll up\` makes one in its --data-dir, or set ATOLL_BUILD_KEY`,
      { cause: error },
    );
  }
}

async function edgeTpuFile(path: string, cpu: Uint8Array, cpuPath: string): Promise<CompiledPart> {
  const { bytes, file } = await readCompiled(path);
  return { bytes, minRuntimeVersion: runtimeOf(file, readModel(cpu, cpuPath), cpuPath) };
}

async function segmentFiles(
  paths: readonly string[],
  cpu: Uint8Array,
  cpuPath: string,
): Promise<readonly CompiledPart[]> {
  const parts = await Promise.all(paths.map(readCompiled));
  const runtimes = segmentRuntimes(
    parts.map(({ file }) => file),
    readModel(cpu, cpuPath),
    cpuPath,
  );
  return parts.map(({ bytes }, i) => ({ bytes, minRuntimeVersion: runtimes[i] ?? 0 }));
}

async function readCompiled(path: string): Promise<{ readonly bytes: Uint8Array; readonly file: EdgeTpuFile }> {
  const bytes = await readModelFile(path);
  const model = readModel(bytes, path);
  return { bytes, file: { path, model, compiled: inspectEdgeTpu(model, path) } };
}

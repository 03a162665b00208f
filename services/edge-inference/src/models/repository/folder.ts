/*
 * A repository folder on this node's disk. It is read anew whenever it is asked, because files are added while the node runs;
 * nothing in it is run here: a package's files are hashed and described, and opened only by a probe and the runtime processes,
 * which check the hash again.
 */
import { sha256 } from '@atoll/base/digest';
import { AtollError, errnoOf, isAtollError, reasonOf } from '@atoll/base/error';
import { segmentGap } from '@atoll/release/target';
import { isEdgeTpuModel } from '@atoll/runtime/edgetpu-file';
import { maxModelBytes } from '@atoll/runtime/open';
import { describeModelFile } from '../from-file.js';
import type { ModelPackage, PackageFile, PackageGolden } from '../model-package.js';
import { namesInside, readInside, resolveInside } from './inside.js';
import type { ReadFile } from './inside.js';
import { goldenPairs, isModelName, versionFiles, versionsAmong } from './layout.js';
import { emptyManifest, readManifest } from './manifest.js';

/** A model's folder. */
export interface FolderModel {
  readonly name: string;
  /** Rising. */
  readonly versions: readonly bigint[];
  /** Why none of it can be served; undefined when nothing speaks against it yet. */
  readonly fault: string | undefined;
}

/** A repository folder. */
export interface RepositoryFolder {
  /** The models by name. INVALID_ARGUMENT or NOT_FOUND when the folder itself cannot be read. */
  models(): Promise<readonly FolderModel[]>;
  /** The package of a version; one line says what is wrong with its files. */
  package(model: string, version: bigint): Promise<ModelPackage>;
}

const maxLabelBytes = 1024 * 1024;
const maxManifestBytes = 1024 * 1024;
const maxGoldenBytes = 64 * 1024 * 1024;
const maxGoldenPairs = 256;

/** The repository in this folder. */
export function repositoryFolder(root: string): RepositoryFolder {
  const modelOf = async (name: string): Promise<FolderModel | undefined> => {
    try {
      const versions = versionsAmong(await namesInside(root, name));
      if (isModelName(name)) return { name, versions, fault: undefined };
      return { name, versions: [], fault: `its name is not 1 to 63 of A-Z, a-z, 0-9, _, - and .` };
    } catch (error) {
      // A file beside the models is no model; a link that leads out is somebody's mistake, or worse, and is told.
      if (isAtollError(error, 'INVALID_ARGUMENT') && errnoOf(error.cause) !== 'ENOTDIR') {
        return { name, versions: [], fault: error.message };
      }
      return undefined;
    }
  };

  return {
    async models() {
      const names = (await namesInside(root)).filter((name) => !name.startsWith('.'));
      return (await Promise.all(names.map(modelOf))).filter((model) => model !== undefined);
    },
    async package(model, version) {
      try {
        return await packageIn(root, model, version);
      } catch (error) {
        if (!isAtollError(error)) throw error;
        throw new AtollError(error.code, `cannot use ${model} v${version}: ${reasonOf(error)}`, { cause: error });
      }
    },
  };
}

async function packageIn(root: string, model: string, version: bigint): Promise<ModelPackage> {
  const at = [model, String(version)];
  const names = await namesInside(root, ...at);
  const files = versionFiles(names);
  const read = async (name: string | undefined, maxBytes: number): Promise<ReadFile | undefined> =>
    name === undefined ? undefined : await readInside(root, [...at, name], maxBytes);

  const manifestFile = await read(files.manifest, maxManifestBytes);
  const manifest = manifestFile === undefined ? emptyManifest : readManifest(manifestFile.bytes, manifestFile.path);
  const cpu = await read(files.cpu, maxModelBytes);
  const edgeTpu = await read(files.edgeTpu, maxModelBytes);
  const main = cpu ?? edgeTpu;
  if (main === undefined) throw new AtollError('NOT_FOUND', 'there is no model.tflite');
  if (edgeTpu !== undefined && !isEdgeTpuModel(edgeTpu.bytes)) {
    throw new AtollError('INVALID_ARGUMENT', `${edgeTpu.path} is not compiled for an Edge TPU`);
  }
  const gap = segmentGap(files.segments.map(({ segment }) => segment));
  if (gap !== undefined) throw new AtollError('INVALID_ARGUMENT', gap);
  const segments: { readonly name: string; readonly file: PackageFile }[] = [];
  for (const { name, segment } of files.segments) {
    const file = await readInside(root, [...at, name], maxModelBytes);
    segments.push({ name, file: { ...fileOf(file, isEdgeTpuModel(file.bytes) ? 'edgetpu' : 'cpu'), segment } });
  }
  const described = describeModelFile(main.bytes, main.path);
  const labels = await read(files.labels, maxLabelBytes);
  const golden = files.golden === undefined ? [] : await goldenIn(root, [...at, files.golden], manifest.tolerance);
  const packageFiles: readonly PackageFile[] = [
    ...(cpu === undefined ? [] : [fileOf(cpu, isEdgeTpuModel(cpu.bytes) ? 'edgetpu' : 'cpu')]),
    ...(edgeTpu === undefined ? [] : [fileOf(edgeTpu, 'edgetpu')]),
    ...segments.map(({ file }) => file),
  ];
  const digests = new Map<string, string | undefined>([
    ['model.tflite', cpu?.sha256],
    ['model_edgetpu.tflite', edgeTpu?.sha256],
    ['labels.txt', labels?.sha256],
    ...segments.map(({ name, file }): [string, string] => [name, file.sha256]),
  ]);
  for (const [name, promised] of Object.entries(manifest.sha256)) {
    const is = digests.get(name);
    if (is !== promised)
      throw new AtollError('DATA_LOSS', `${name} is ${is ?? 'not there'}, its manifest says ${promised}`);
  }
  const contents = [model, String(version), [...digests], manifestFile?.sha256, golden.map(digestsOf)];
  return {
    model,
    version,
    manifestSha256: sha256(JSON.stringify(contents)),
    files: packageFiles,
    inputs: [],
    outputs: [],
    preprocessing: manifest.preprocessing ?? described.preprocessing,
    labels: labels === undefined ? (described.labels ?? []) : linesOf(labels.bytes),
    golden,
  };
}

async function goldenIn(root: string, at: readonly string[], tolerance: number): Promise<readonly PackageGolden[]> {
  const { pairs, lone } = goldenPairs(await namesInside(root, ...at));
  if (lone[0] !== undefined) throw new AtollError('INVALID_ARGUMENT', `golden/${lone[0]} has no other half`);
  if (pairs.length > maxGoldenPairs) {
    throw new AtollError('INVALID_ARGUMENT', `its ${pairs.length} golden pairs exceed the limit of ${maxGoldenPairs}`);
  }
  const golden: PackageGolden[] = [];
  for (const [input, output] of pairs) {
    const [given, wanted] = [
      await readInside(root, [...at, input], maxGoldenBytes),
      await readInside(root, [...at, output], maxGoldenBytes),
    ];
    golden.push({ input: refOf(given), output: refOf(wanted), tolerance });
  }
  return golden;
}

function refOf({ path, sha256: digest, sizeBytes }: ReadFile): PackageGolden['input'] {
  return { path, sha256: digest, sizeBytes };
}

function fileOf(file: ReadFile, target: PackageFile['target']): PackageFile {
  return { target, ...refOf(file), minRuntimeVersion: 0 };
}

function digestsOf({ input, output }: PackageGolden): readonly string[] {
  return [input.sha256, output.sha256];
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return new TextDecoder().decode(bytes).trimEnd().split(/\r?\n/);
}

/** Refuses at the start of a node what is no folder at all. */
export async function checkRepositoryFolder(root: string): Promise<void> {
  await resolveInside(root);
  await namesInside(root);
}

/*
 * libtensorflow under @tensorflow/tfjs-node without its install script (docs/decisions/001): the two libraries and
 * the 14 headers that the add-on includes come out of the tensorflow-cpu wheel, the add-on is compiled from the npm
 * package's own source. All lie in one folder and find each other by $ORIGIN, so no LD_LIBRARY_PATH is needed.
 */
import { lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pinned } from '@atoll/base/cache';
import { errnoOf } from '@atoll/base/error';
import { temporaryBeside } from '@atoll/base/files';
import { extractZip } from './archive.js';
import { foundFile } from './found-file.js';
import type { Machine, Part, Recipe } from './part.js';
import { fetchWheel, wheelHindrance } from './sources.js';
import { findTool, runTool } from './tool.js';

/** Only x86-64 has such a wheel; the Python in its name need not be installed. */
const wheel = {
  project: 'tensorflow-cpu',
  version: pinned.tensorflow,
  platformTag: 'manylinux_2_17_x86_64',
  pythonVersion: '3.10',
  sha256: 'd05b8268da5bd87cf43d46da177e3b3ca39f2db0437e56c5e18351db4cde8679',
  sizeBytes: 231_784_210,
};

const libraries = [
  { name: 'libtensorflow_cc.so.2', sizeBytes: 532_075_432 },
  { name: 'libtensorflow_framework.so.2', sizeBytes: 45_500_536 },
];
const addOn = 'tfjs_binding.node';
const maxHeaderBytes = 200_000;

/** What the add-on's source includes, and what that includes in turn (g++ -M). */
const headers = [
  ...['c_api', 'c_api_macros', 'tf_attrtype', 'tf_buffer', 'tf_datatype', 'tf_status', 'tf_tensor', 'tf_tstring'].map(
    (name) => `tensorflow/c/${name}.h`,
  ),
  'tensorflow/c/eager/c_api.h',
  'tensorflow/core/platform/ctstring.h',
  'tensorflow/core/platform/ctstring_internal.h',
  'tensorflow/tsl/c/tsl_status.h',
  'tensorflow/tsl/platform/ctstring.h',
  'tensorflow/tsl/platform/ctstring_internal.h',
];

const keptBytes = libraries.reduce((sum, library) => sum + library.sizeBytes, 400_000);

const recipe: Recipe = {
  title: `pip download ${wheel.project}==${wheel.version}, and g++`,
  downloadBytes: wheel.sizeBytes,
  keptBytes,
  peakBytes: wheel.sizeBytes + keptBytes,
  // Asked before the download: 232 MB are of no use to who cannot compile.
  hindrance: async (machine) =>
    (await findTool(['g++'], machine.env)) === undefined ? 'g++ is not on PATH' : wheelHindrance(machine),
  make: async (machine, folder, work) => {
    const archive = await fetchWheel(wheel, machine, work);
    machine.say('    unpacking its two libraries (578 MB)');
    await extractZip(
      archive,
      [
        ...libraries.map(({ name, sizeBytes }) => ({
          member: `tensorflow/${name}`,
          maxBytes: sizeBytes,
          to: join(folder, name),
        })),
        ...headers.map((header) => ({
          member: `tensorflow/include/${header}`,
          maxBytes: maxHeaderBytes,
          to: join(folder, 'include', header),
        })),
      ],
      machine.signal,
    );
    machine.say('    compiling the add-on of @tensorflow/tfjs-node');
    await compileAddOn(machine, folder);
  },
};

/** The engine that trains fastest: TensorFlow's own library under @tensorflow/tfjs-node. */
export const tensorflow: Part = {
  name: 'tensorflow',
  title: `libtensorflow ${pinned.tensorflow}`,
  folder: (paths) => paths.tensorflow,
  find: async ({ paths }) => {
    for (const name of [...libraries.map((library) => library.name), addOn]) {
      if ((await foundFile(join(paths.tensorflow, name))) === undefined) return undefined;
    }
    return paths.tensorflow;
  },
  recipes: (platform) => (platform === 'linux-x64' ? [recipe] : []),
  without: { kind: 'fallback', to: 'training runs on the WebAssembly engine', cost: 'it is several times slower' },
};

async function compileAddOn(machine: Machine, folder: string): Promise<void> {
  const modules = join(machine.repository, 'node_modules');
  const source = join(modules, '@tensorflow/tfjs-node/binding');
  const compiler = (await findTool(['g++'], machine.env)) ?? 'g++';
  const include = [join(modules, 'node-api-headers/include'), join(folder, 'include')].flatMap((path) => ['-I', path]);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(source, name));
  const link = ['-L', folder, ...libraries.map(({ name }) => `-l:${name}`), '-Wl,-rpath,$ORIGIN'];
  const flags = ['-O2', '-s', '-shared', '-fPIC', '-std=c++17', '-DNAPI_VERSION=8'];
  const args = [...flags, ...include, ...sources, ...link, '-o', join(folder, addOn)];
  await runTool(compiler, args, { env: machine.env, cwd: folder, signal: machine.signal });
}

/**
 * Links the add-on to where tfjs-node looks for it; npm empties that folder with each install. Node follows
 * the link before it loads the file, so $ORIGIN is the cache's folder.
 */
export async function linkAddOn(machine: Machine): Promise<void> {
  const target = join(machine.paths.tensorflow, addOn);
  const link = addOnLink(machine);
  if ((await linkTarget(link)) === target) return;
  await mkdir(dirname(link), { recursive: true });
  const temporary = temporaryBeside(link);
  await symlink(target, temporary);
  try {
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Takes our link away where the library is not to be had, so that no add-on of another cache is loaded in its place. */
export async function unlinkAddOn(machine: Machine): Promise<void> {
  const link = addOnLink(machine);
  if ((await linkTarget(link)) !== undefined) await rm(link, { force: true });
}

function addOnLink(machine: Machine): string {
  return join(machine.repository, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8', addOn);
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

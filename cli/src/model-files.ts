/** A model on disk as the blobs that a service needs: one .h5, .keras or .tflite, or model.json with its weight shards. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type OutgoingBlob, uploadBlobs } from '@atoll/artifacts/remote';
import { sha256File } from '@atoll/base/digest';
import { AtollError, errnoOf, reasonOf } from '@atoll/base/error';
import type { Artifact } from '@atoll/proto/atoll/v1/blob';
import type { Channel } from '@atoll/rpc/channel';

/** Largest file of a model that is read, in bytes. */
const maxModelBytes = 512 * 1024 * 1024;
const maxTopologyBytes = 64 * 1024 * 1024;

const endings = ['.h5', '.keras', '.tflite', '.json'];

/** The path of the file that stands for a model: itself, or model.json for a layers-model's folder. NOT_FOUND when it is not there. */
export async function findModel(path: string): Promise<string> {
  const found = await statOf(path);
  const file = found.isDirectory() ? join(path, 'model.json') : path;
  if (found.isDirectory()) await statOf(file);
  if (!endings.includes(extname(file).toLowerCase()))
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot use ${path} as a model: it is none of .h5, .keras, .tflite or a layers-model's model.json`,
    );
  return file;
}

/** Reads a .tflite file that is not too large; DATA_LOSS and the like are for whoever parses it. */
export async function readModelFile(path: string): Promise<Buffer> {
  const { size } = await statOf(path);
  if (size > maxModelBytes) throw tooLarge(path, size, maxModelBytes);
  return readFile(path);
}

/** Sends a model's files to a service and names them. */
export async function sendModel(channel: Channel, path: string, signal: AbortSignal): Promise<Artifact[]> {
  const file = await findModel(path);
  const names = [basename(file), ...(extname(file).toLowerCase() === '.json' ? await shardsOf(file) : [])];
  const blobs: (OutgoingBlob & { readonly name: string })[] = [];
  for (const name of names) {
    const source = join(dirname(file), name);
    const { size } = await statOf(source);
    if (size > maxModelBytes) throw tooLarge(source, size, maxModelBytes);
    blobs.push({ name, sha256: await sha256File(source), sizeBytes: size, source: { path: source } });
  }
  await uploadBlobs(channel, blobs, signal);
  return blobs.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes: BigInt(sizeBytes) }));
}

/** The weight files that a layers-model's model.json names; they lie beside it. */
async function shardsOf(path: string): Promise<readonly string[]> {
  const { size } = await statOf(path);
  if (size > maxTopologyBytes) throw tooLarge(path, size, maxTopologyBytes);
  let manifest: unknown;
  try {
    const json = JSON.parse(await readFile(path, 'utf8')) as { readonly weightsManifest?: unknown };
    manifest = json.weightsManifest;
  } catch (error) {
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
  const groups = Array.isArray(manifest) ? (manifest as readonly { readonly paths?: unknown }[]) : [];
  const names = groups.flatMap(({ paths }) => (Array.isArray(paths) ? (paths as readonly unknown[]) : []));
  const safe = names.filter((name): name is string => typeof name === 'string' && basename(name) === name);
  if (safe.length === 0 || safe.length < names.length)
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${path}: it names no weight files beside it`);
  return safe;
}

async function statOf(path: string): Promise<{ readonly size: number; isDirectory(): boolean }> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      throw new AtollError('NOT_FOUND', `cannot read ${path}: there is no such file or folder`);
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function tooLarge(path: string, size: number, limit: number): AtollError {
  return new AtollError('INVALID_ARGUMENT', `cannot read ${path}: its ${size} bytes exceed the limit of ${limit}`);
}

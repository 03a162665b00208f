// An HDF5 file, read by the HDF5 library as WebAssembly inside its own file system: a damaged file cannot reach beyond it, and
// links to other files lead nowhere. What the file declares is measured against its own size before anything is read.
import { randomUUID } from 'node:crypto';
import { AtollError, reasonOf } from '@atoll/base/error';
import { Dataset, File, FS, Group, ready } from 'h5wasm';
import { elementCount } from '../graph/graph.js';
import { refuseEndlessHeaps } from './check-hdf5.js';
import type { KerasWeight } from './keras-model.js';
import { quoted, shapeOf } from './topology-json.js';

/** Read access to an open file; paths have no slash at the start. */
export interface Hdf5File {
  /** A string attribute of a group ('' is the root), or undefined. */
  readonly text: (path: string, name: string) => string | undefined;
  /** An attribute that is a list of strings, or undefined. */
  readonly texts: (path: string, name: string) => readonly string[] | undefined;
  /** Names in a group; none when there is no such group. */
  readonly names: (path: string) => readonly string[];
  /** A dataset of floats, read when asked; null when there is none. */
  readonly weight: (path: string) => KerasWeight | null;
}

/** Opens a file for as long as `use` runs. INVALID_ARGUMENT when it is no HDF5 file, DATA_LOSS when it is damaged. */
export async function withHdf5<T>(bytes: Uint8Array, file: string, use: (h5: Hdf5File) => T): Promise<T> {
  if (Buffer.from(bytes.subarray(0, 4)).toString('hex') !== '89484446') {
    throw new AtollError('INVALID_ARGUMENT', `cannot import ${file}: it is not an HDF5 file`);
  }
  refuseEndlessHeaps(bytes, file);
  // Failures become exceptions instead of lines on standard error.
  (await ready).activate_throwing_error_handler();
  const path = `/${randomUUID()}.h5`;
  const damaged = (error: unknown): AtollError =>
    error instanceof AtollError
      ? error
      : new AtollError('DATA_LOSS', `cannot import ${file}: the HDF5 file is damaged: ${quoted(reasonOf(error))}`, {
          cause: error,
        });
  let h5: File | undefined;
  try {
    lend(path, bytes);
    h5 = new File(path, 'r');
    return use(accessTo(h5, bytes.length, file, damaged));
  } catch (error) {
    throw damaged(error);
  } finally {
    closeQuietly(h5);
    if (FS?.analyzePath(path, false).exists === true) FS.unlink(path);
  }
}

/** Puts a file into the library's file system as it is, without a copy: it is opened for reading alone. */
function lend(path: string, bytes: Uint8Array): void {
  if (FS === null) throw new RangeError('the HDF5 library has no file system');
  const stream = FS.open(path, 'w');
  FS.write(stream, bytes, 0, bytes.length, 0, true);
  FS.close(stream);
}

/** A damaged file may fail to close; what was read or said of it before stands. */
function closeQuietly(h5: File | undefined): void {
  try {
    h5?.close();
  } catch {
    // Nothing is written through this handle.
  }
}

function accessTo(h5: File, fileBytes: number, file: string, damaged: (error: unknown) => AtollError): Hdf5File {
  // Keras does not compress; a file packed by others may grow some when it is read.
  let budget = 64 * 1024 * 1024 + 4 * fileBytes;
  const spend = (sizeBytes: number, what: string): void => {
    budget -= sizeBytes;
    if (!(budget >= 0)) {
      throw new AtollError('DATA_LOSS', `cannot import ${file}: ${what} declares more bytes than the file can hold`);
    }
  };
  const attribute = (path: string, name: string): unknown => {
    const group = path === '' ? h5 : h5.get(path);
    const found = group instanceof Group || group instanceof Dataset ? group.attrs[name] : undefined;
    if (found === undefined) return undefined;
    spend(elementCount(found.shape ?? []) * found.metadata.size, `attribute ${quoted(name)}`);
    return found.value;
  };
  const guarded = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw damaged(error);
    }
  };
  return {
    text: (path, name) => {
      const value = guarded(() => attribute(path, name));
      return typeof value === 'string' ? value : undefined;
    },
    texts: (path, name) => {
      const value = guarded(() => attribute(path, name));
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
    },
    names: (path) =>
      guarded(() => {
        const group = path === '' ? h5 : h5.get(path);
        return group instanceof Group ? group.keys() : [];
      }),
    weight: (path) =>
      guarded(() => {
        const dataset = h5.get(path);
        if (!(dataset instanceof Dataset)) return null;
        const shape = shapeOf(dataset.shape);
        if (shape === undefined) {
          throw new AtollError('DATA_LOSS', `cannot import ${file}: weight ${quoted(path)} has no usable shape`);
        }
        const read = (): Float32Array =>
          guarded(() => {
            spend(elementCount(shape) * dataset.metadata.size, `weight ${quoted(path)}`);
            return floats(dataset, shape, path, file);
          });
        return { shape, read };
      }),
  };
}

function floats(dataset: Dataset, shape: readonly number[], path: string, file: string): Float32Array {
  const { type, size } = dataset.metadata;
  const floatClass = 1;
  if (type !== floatClass || (size !== 4 && size !== 8)) {
    const found = type === floatClass ? `floats of ${8 * size} bits` : 'no floats';
    throw new AtollError(
      'INVALID_ARGUMENT',
      `cannot import ${file}: weight ${quoted(path)} holds ${found}, not float32`,
    );
  }
  const data = new Float32Array(elementCount(shape));
  let filled = 0;
  for (const part of parts(dataset, shape)) {
    if (!(part instanceof Float32Array || part instanceof Float64Array) || filled + part.length > data.length) break;
    data.set(part, filled);
    filled += part.length;
  }
  if (filled !== data.length) {
    throw new AtollError(
      'DATA_LOSS',
      `cannot import ${file}: weight ${quoted(path)} does not have its ${data.length} values`,
    );
  }
  return data;
}

/** The library's memory never shrinks: large datasets are read some rows at a time. */
const partBytes = 8 * 1024 * 1024;

function* parts(dataset: Dataset, shape: readonly number[]): Generator<unknown> {
  const [rows = 1, ...inner] = shape;
  const rowsAtOnce = Math.max(1, Math.floor(partBytes / (elementCount(inner) * dataset.metadata.size)));
  if (shape.length === 0 || rows <= rowsAtOnce) {
    const { value } = dataset;
    yield typeof value === 'number' ? Float32Array.of(value) : value;
    return;
  }
  for (let row = 0; row < rows; row += rowsAtOnce) {
    yield dataset.slice([[row, Math.min(rows, row + rowsAtOnce)]]);
  }
}

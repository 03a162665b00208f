// Decodes a FlatBuffers file against a description, trusting nothing in it: every offset, size and length is checked before
// it is followed, and what decoding makes in memory is counted against a budget, so that offsets which share, overlap or loop
// can neither stall it nor fill the memory. Raw bytes are views and cost nothing but the view.
import { AtollError } from '@atoll/base/error';
import { scalarSizeBytes } from './flatbuffer-schema.js';
import type { Decoded, Field, ScalarType, TableSchema } from './flatbuffer-schema.js';

/** Decodes the root table of a file with the four-character identifier (null: unmarked); `what` names the file in errors (INVALID_ARGUMENT: another format, DATA_LOSS: damaged). */
export function decodeFlatbuffer<T extends TableSchema>(
  file: Uint8Array,
  schema: T,
  identifier: string | null,
  what: string,
): Decoded<T> {
  const found = file.length < 8 ? '' : String.fromCharCode(...file.subarray(4, 8));
  if (file.length < 8 || (identifier !== null && found !== identifier)) {
    const why = file.length < 8 ? `it has only ${file.length} bytes` : `it does not carry the mark ${identifier}`;
    throw new AtollError('INVALID_ARGUMENT', `cannot read ${what}: ${why}`);
  }
  return new Decoder(file, what).root(schema);
}

/** Most memory that the decoded structure of a file may take, about; the largest models in use need a hundredth of it. */
const maxDecodedBytes = 96 * 1024 * 1024;
/** Decoded, an honest file's smallest tables and vectors grow about tenfold; parts of it may be shared. */
const decodedBytesPerByte = 32;
/** About what the engine takes for an object, an element of an array, a view and a bigint. */
const memory = { object: 48, element: 8, view: 128, bigint: 24 } as const;

const noBytes = new Uint8Array();
const noElements: readonly never[] = Object.freeze([]);

class Decoder {
  readonly #file: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  #budgetBytes: number;

  constructor(file: Uint8Array, what: string) {
    // A plain view, also of a Buffer: what is decoded compares and prints alike wherever the bytes came from.
    this.#file = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#what = what;
    this.#budgetBytes = Math.min(65_536 + decodedBytesPerByte * file.length, maxDecodedBytes);
  }

  root<T extends TableSchema>(schema: T): Decoded<T> {
    return this.#table(schema, this.#follow(0, 'root'), 'root') as Decoded<T>;
  }

  #table(schema: TableSchema, at: number, path: string): Record<string, unknown> {
    this.#need(at, 4, path);
    const vtable = at - this.#view.getInt32(at, true);
    this.#need(vtable, 4, path);
    const vtableBytes = this.#view.getUint16(vtable, true);
    const tableBytes = this.#view.getUint16(vtable + 2, true);
    if (vtableBytes < 4) throw this.#damaged(path, 'its field list has no size');
    this.#need(vtable, vtableBytes, path);
    this.#need(at, tableBytes, path);
    const fields = Object.entries(schema);
    this.#spend(memory.object + memory.element * fields.length, path);
    let id = 0;
    const slot = (sizeBytes: number, name: string): number | undefined => {
      const entry = 4 + 2 * id++;
      const offset = entry + 2 > vtableBytes ? 0 : this.#view.getUint16(vtable + entry, true);
      if (offset === 0) return undefined;
      if (offset + sizeBytes > tableBytes) throw this.#damaged(`${path}.${name}`, 'it lies outside its table');
      return at + offset;
    };
    const decoded: Record<string, unknown> = {};
    for (const [name, field] of fields) {
      decoded[name] = this.#field(field, (sizeBytes) => slot(sizeBytes, name), `${path}.${name}`);
    }
    return decoded;
  }

  #field(field: Field<unknown>, slot: (sizeBytes: number) => number | undefined, path: string): unknown {
    if (field.kind === 'scalar') {
      const at = slot(scalarSizeBytes[field.scalar]);
      return at === undefined ? field.absent : this.#scalar(field.scalar, at);
    }
    if (field.kind === 'union') {
      const typeAt = slot(1);
      const at = slot(4);
      const number = typeAt === undefined ? 0 : this.#view.getUint8(typeAt);
      if (number === 0 || at === undefined) return undefined;
      const name = Object.keys(field.members)[number - 1];
      const member = name === undefined ? undefined : field.members[name];
      if (member === undefined) throw this.#damaged(path, `it is of the unknown kind ${number}`);
      return { type: name, ...this.#table(member, this.#follow(at, path), path) };
    }
    const at = slot(4);
    switch (field.kind) {
      case 'table':
        return at === undefined ? undefined : this.#table(field.table, this.#follow(at, path), path);
      case 'tables':
        return this.#vector(at, 4, path, (element, index) => {
          const inner = `${path}[${index}]`;
          return this.#table(field.table, this.#follow(element, inner), inner);
        });
      case 'vector':
        return this.#vector(at, scalarSizeBytes[field.scalar], path, (element) => this.#scalar(field.scalar, element));
      case 'blobs':
        return this.#vector(at, 4, path, (element) => this.#bytes(element, path));
      case 'texts':
        return this.#vector(at, 4, path, (element) => this.#text(element, path));
      case 'bytes':
        return at === undefined ? noBytes : this.#bytes(at, path);
      case 'text':
        return at === undefined ? '' : this.#text(at, path);
    }
  }

  #vector(at: number | undefined, sizeBytes: number, path: string, each: (at: number, index: number) => unknown) {
    if (at === undefined) return noElements;
    const { start, length } = this.#extent(at, sizeBytes, path);
    this.#spend(memory.object + length * (sizeBytes === 8 ? memory.bigint : memory.element), path);
    return Array.from({ length }, (_, index) => each(start + index * sizeBytes, index));
  }

  #bytes(at: number, path: string): Uint8Array {
    const { start, length } = this.#extent(at, 1, path);
    this.#spend(memory.view, path);
    return this.#file.subarray(start, start + length);
  }

  #text(at: number, path: string): string {
    const bytes = this.#bytes(at, path);
    this.#spend(2 * bytes.length, path);
    return this.#utf8.decode(bytes);
  }

  #extent(at: number, sizeBytes: number, path: string): { start: number; length: number } {
    const vector = this.#follow(at, path);
    this.#need(vector, 4, path);
    const length = this.#view.getUint32(vector, true);
    this.#need(vector + 4, length * sizeBytes, path);
    return { start: vector + 4, length };
  }

  #scalar(type: ScalarType, at: number): number | bigint | boolean {
    switch (type) {
      case 'bool':
        return this.#view.getUint8(at) !== 0;
      case 'i8':
        return this.#view.getInt8(at);
      case 'u8':
        return this.#view.getUint8(at);
      case 'i16':
        return this.#view.getInt16(at, true);
      case 'u16':
        return this.#view.getUint16(at, true);
      case 'i32':
        return this.#view.getInt32(at, true);
      case 'u32':
        return this.#view.getUint32(at, true);
      case 'f32':
        return this.#view.getFloat32(at, true);
      case 'i64':
        return this.#view.getBigInt64(at, true);
      case 'u64':
        return this.#view.getBigUint64(at, true);
    }
  }

  #follow(at: number, path: string): number {
    this.#need(at, 4, path);
    return at + this.#view.getUint32(at, true);
  }

  #need(at: number, sizeBytes: number, path: string): void {
    if (at >= 0 && at + sizeBytes <= this.#file.length) return;
    throw this.#damaged(path, `it should end at byte ${at + sizeBytes}, the file has ${this.#file.length}`);
  }

  #spend(sizeBytes: number, path: string): void {
    this.#budgetBytes -= sizeBytes;
    if (this.#budgetBytes < 0) throw this.#damaged(path, 'its parts overlap, or it is too large to describe');
  }

  #damaged(path: string, why: string): AtollError {
    return new AtollError('DATA_LOSS', `cannot read ${this.#what}: it is damaged or cut off at ${path}: ${why}`);
  }
}

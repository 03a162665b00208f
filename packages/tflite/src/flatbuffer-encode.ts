// Encodes a value as a FlatBuffers file against a description. Defaults, absent tables and empty vectors are left out, except
// the vectors that the description always wants.
import { Builder } from 'flatbuffers';
import { AtollError } from '@atoll/base/error';
import type { Decoded, Field, TableSchema } from './flatbuffer-schema.js';

/** Encodes the root table with its four-character file identifier; `sizeHintBytes` saves growing. */
export function encodeFlatbuffer<T extends TableSchema>(
  schema: T,
  value: Decoded<T>,
  identifier: string,
  sizeHintBytes = 1024,
): Uint8Array {
  // The file is built from the end of its room: a whole number of 16 bytes keeps what is aligned in it aligned in memory too.
  const builder = new Builder(16 * Math.ceil(sizeHintBytes / 16));
  builder.finish(encodeTable(builder, schema, value), identifier);
  return builder.asUint8Array();
}

type Scalar = number | bigint | boolean;
type Row = Readonly<Record<string, unknown>>;
/** Puts one already encoded field into the table being built. */
type Slot = (id: number) => void;

function encodeTable(builder: Builder, schema: TableSchema, row: Row): number {
  const slots: Slot[] = [];
  for (const [name, field] of Object.entries(schema)) slots.push(...encodeField(builder, field, row[name]));
  builder.startObject(slots.length);
  slots.forEach((slot, id) => slot(id));
  return builder.endObject();
}

const nothing: Slot = () => undefined;

function encodeField(builder: Builder, field: Field<unknown>, value: unknown): readonly Slot[] {
  if (field.kind === 'scalar') return [(id) => addScalar(builder, id, field, value as Scalar)];
  if (field.kind === 'union') {
    if (value === undefined) return [nothing, nothing];
    const member = value as Row & { readonly type: string };
    const number = field.numbers.get(member.type);
    const schema = field.members[member.type];
    if (number === undefined || schema === undefined) {
      throw new AtollError('INTERNAL', `cannot encode a union: it has no member ${member.type}`);
    }
    const offset = encodeTable(builder, schema, member);
    return [(id) => builder.addFieldInt8(id, number, 0), (id) => builder.addFieldOffset(id, offset, 0)];
  }
  const offset = encodeReference(builder, field, value);
  return [(id) => builder.addFieldOffset(id, offset, 0)];
}

/** The offset of a vector, string or table; 0 when it is left out. */
function encodeReference(
  builder: Builder,
  field: Exclude<Field<unknown>, { kind: 'scalar' | 'union' }>,
  value: unknown,
): number {
  switch (field.kind) {
    case 'table':
      return value === undefined ? 0 : encodeTable(builder, field.table, value as Row);
    case 'tables': {
      const rows = value as readonly Row[];
      if (rows.length === 0) return 0;
      return offsetVector(
        builder,
        rows.map((row) => encodeTable(builder, field.table, row)),
      );
    }
    case 'texts': {
      const all = value as readonly string[];
      if (all.length === 0) return 0;
      return offsetVector(
        builder,
        all.map((one) => builder.createString(one)),
      );
    }
    case 'blobs': {
      const all = value as readonly Uint8Array[];
      if (all.length === 0) return 0;
      return offsetVector(
        builder,
        all.map((one) => builder.createString(one)),
      );
    }
    case 'text':
      return value === '' ? 0 : builder.createString(value as string);
    case 'bytes': {
      const data = value as Uint8Array;
      if (data.length === 0) return 0;
      builder.prep(field.align, data.length);
      return builder.createByteVector(data);
    }
    case 'vector':
      return encodeVector(builder, field, value as readonly Scalar[]);
  }
}

function offsetVector(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (const offset of offsets.toReversed()) builder.addOffset(offset);
  return builder.endVector();
}

function encodeVector(
  builder: Builder,
  field: Extract<Field<unknown>, { kind: 'vector' }>,
  values: readonly Scalar[],
): number {
  if (values.length === 0 && !field.always) return 0;
  const reversed = values.toReversed();
  switch (field.scalar) {
    case 'bool':
    case 'i8':
    case 'u8':
      builder.startVector(1, values.length, 1);
      for (const value of reversed) builder.addInt8(Number(value));
      break;
    case 'i16':
    case 'u16':
      builder.startVector(2, values.length, 4);
      for (const value of reversed) builder.addInt16(Number(value));
      break;
    case 'i32':
    case 'u32':
      builder.startVector(4, values.length, 4);
      for (const value of reversed) builder.addInt32(Number(value));
      break;
    case 'f32':
      builder.startVector(4, values.length, 4);
      for (const value of reversed) builder.addFloat32(Number(value));
      break;
    case 'i64':
    case 'u64':
      builder.startVector(8, values.length, 8);
      for (const value of reversed) builder.addInt64(BigInt(value));
      break;
  }
  return builder.endVector();
}

function addScalar(
  builder: Builder,
  id: number,
  field: Extract<Field<unknown>, { kind: 'scalar' }>,
  value: Scalar,
): void {
  switch (field.scalar) {
    case 'bool':
    case 'i8':
    case 'u8':
      return builder.addFieldInt8(id, Number(value), Number(field.absent));
    case 'i16':
    case 'u16':
      return builder.addFieldInt16(id, Number(value), Number(field.absent));
    case 'i32':
    case 'u32':
      return builder.addFieldInt32(id, Number(value), Number(field.absent));
    case 'f32':
      return builder.addFieldFloat32(id, Number(value), Number(field.absent));
    case 'i64':
    case 'u64':
      return builder.addFieldInt64(id, BigInt(value), BigInt(field.absent));
  }
}

// FlatBuffers tables described as data: a table is an object whose keys, in order, are its fields. `flatbuffer-decode.ts`
// and `flatbuffer-encode.ts` walk these descriptions, and the TypeScript type of a decoded table is derived from them, so a
// format is written down once. A field of a union takes two ids, as in the wire format.

/** Scalar types of the wire format that Atoll's schemas use. */
export type ScalarType = 'bool' | 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'i64' | 'u64';

/** One field of a table; `V` is what decoding it gives. */
export type Field<V> = FieldShape & { readonly decoded?: V };

/** A table: field names in id order. */
export type TableSchema = Readonly<Record<string, Field<unknown>>>;

/** What decoding a table gives. */
export type Decoded<T extends TableSchema> = {
  readonly [K in keyof T]: T[K] extends { readonly decoded?: infer V } ? V : never;
};

/** A member of a union: which table it is, and its fields. */
export type UnionMember<M extends Readonly<Record<string, TableSchema>>> = {
  readonly [K in keyof M & string]: { readonly type: K } & Decoded<M[K]>;
}[keyof M & string];

type FieldShape =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType; readonly absent: number | bigint | boolean }
  | { readonly kind: 'vector'; readonly scalar: ScalarType; readonly always: boolean }
  | { readonly kind: 'bytes'; readonly align: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'texts' }
  | { readonly kind: 'blobs' }
  | { readonly kind: 'table'; readonly table: TableSchema }
  | { readonly kind: 'tables'; readonly table: TableSchema }
  | { readonly kind: 'union'; readonly members: Readonly<Record<string, TableSchema>>; readonly numbers: UnionNumbers };

/** The number of each union member on the wire; by default their order, from 1. */
export type UnionNumbers = ReadonlyMap<string, number>;

/** A boolean, false unless told otherwise. */
export const bool = (absent = false): Field<boolean> => ({ kind: 'scalar', scalar: 'bool', absent });
/** A signed byte; also every small enumeration. */
export const i8 = (absent = 0): Field<number> => ({ kind: 'scalar', scalar: 'i8', absent });
/** A signed 16-bit number. */
export const i16 = (absent = 0): Field<number> => ({ kind: 'scalar', scalar: 'i16', absent });
/** A signed 32-bit number. */
export const i32 = (absent = 0): Field<number> => ({ kind: 'scalar', scalar: 'i32', absent });
/** An unsigned 32-bit number. */
export const u32 = (absent = 0): Field<number> => ({ kind: 'scalar', scalar: 'u32', absent });
/** A 32-bit float. */
export const f32 = (absent = 0): Field<number> => ({ kind: 'scalar', scalar: 'f32', absent });
/** A signed 64-bit number. */
export const i64 = (absent = 0n): Field<bigint> => ({ kind: 'scalar', scalar: 'i64', absent });
/** An unsigned 64-bit number. */
export const u64 = (absent = 0n): Field<bigint> => ({ kind: 'scalar', scalar: 'u64', absent });

/** A vector of 32-bit numbers; absent and empty are the same, and only `always` writes an empty one. */
export const i32s = (always = false): Field<readonly number[]> => ({ kind: 'vector', scalar: 'i32', always });
/** A vector of unsigned 32-bit numbers. */
export const u32s = (): Field<readonly number[]> => ({ kind: 'vector', scalar: 'u32', always: false });
/** A vector of unsigned 16-bit numbers. */
export const u16s = (): Field<readonly number[]> => ({ kind: 'vector', scalar: 'u16', always: false });
/** A vector of 32-bit floats. */
export const f32s = (): Field<readonly number[]> => ({ kind: 'vector', scalar: 'f32', always: false });
/** A vector of signed 64-bit numbers. */
export const i64s = (): Field<readonly bigint[]> => ({ kind: 'vector', scalar: 'i64', always: false });
/** A vector of booleans. */
export const bools = (): Field<readonly boolean[]> => ({ kind: 'vector', scalar: 'bool', always: false });
/** Raw bytes, a view into the file; absent and empty are the same, and empty ones are never written. */
export const bytes = (align = 1): Field<Uint8Array> => ({ kind: 'bytes', align });
/** A UTF-8 string; absent and empty are the same. */
export const text = (): Field<string> => ({ kind: 'text' });
/** A vector of UTF-8 strings. */
export const texts = (): Field<readonly string[]> => ({ kind: 'texts' });
/** A vector of raw byte strings, views into the file: some formats nest files so. */
export const blobs = (): Field<readonly Uint8Array[]> => ({ kind: 'blobs' });
/** A table that may be absent. */
export const table = <T extends TableSchema>(of: T): Field<Decoded<T> | undefined> => ({ kind: 'table', table: of });
/** A vector of tables. */
export const tables = <T extends TableSchema>(of: T): Field<readonly Decoded<T>[]> => ({ kind: 'tables', table: of });
/** A union: one of several tables, or none. */
export const union = <M extends Readonly<Record<string, TableSchema>>>(
  members: M,
): Field<UnionMember<M> | undefined> => ({
  kind: 'union',
  members,
  numbers: new Map(Object.keys(members).map((name, index) => [name, index + 1])),
});

/** Bytes that a scalar takes on the wire. */
export const scalarSizeBytes: Readonly<Record<ScalarType, number>> = {
  bool: 1,
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
};

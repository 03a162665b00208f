// Models of every shape that the format can hold, drawn by fast-check from the very descriptions that reader and writer follow.
import fc from 'fast-check';
import { tensorTypes } from './enums.js';
import type { TensorType } from './enums.js';
import type { Field, TableSchema } from './flatbuffer-schema.js';
import type { Operator, Subgraph, Tensor, TfLiteModel } from './model.js';
import { builtinNames, customCode } from './ops.js';
import { builtinOptions, builtinOptions2 } from './schema/options.js';
import { modelSchema } from './schema/model.js';

/** Objects as literals make them. */
const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(shape, { noNullPrototype: true });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
// A lone surrogate has no UTF-8.
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const f32 = fc.float({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const index = (count: number) => fc.integer({ min: 0, max: Math.max(0, count - 1) });

const scalars = {
  bool: fc.boolean(),
  i8: fc.integer({ min: -128, max: 127 }),
  u8: fc.integer({ min: 0, max: 255 }),
  i16: fc.integer({ min: -32768, max: 32767 }),
  u16: fc.integer({ min: 0, max: 65535 }),
  i32: fc.integer(),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  f32,
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
} as const;

/** Any value of a field. */
function field(of: Field<unknown>): fc.Arbitrary<unknown> {
  switch (of.kind) {
    case 'scalar':
      return scalars[of.scalar];
    case 'vector':
      return fc.array<unknown>(scalars[of.scalar], { maxLength: 5 });
    case 'bytes':
      return bytes(40);
    case 'text':
      return text;
    case 'texts':
      return fc.array(text, { maxLength: 3 });
    case 'blobs':
      return fc.array(bytes(9), { maxLength: 3 });
    case 'table':
      return fc.option(table(of.table), { nil: undefined });
    case 'tables':
      return fc.array(table(of.table), { maxLength: 3 });
    case 'union':
      return fc.option(union(of.members), { nil: undefined });
  }
}

/** Any table of a description. */
export function table(schema: TableSchema): fc.Arbitrary<Record<string, unknown>> {
  return record(Object.fromEntries(Object.entries(schema).map(([name, of]) => [name, field(of)])));
}

function union(members: Readonly<Record<string, TableSchema>>): fc.Arbitrary<Record<string, unknown>> {
  const all = Object.entries(members).map(([type, schema]) => table(schema).map((row) => ({ type, ...row })));
  return fc.oneof(...all);
}

const types = Object.keys(tensorTypes) as TensorType[];
const wire = modelSchema.subgraphs.kind === 'tables' ? modelSchema.subgraphs.table['tensors'] : undefined;
const tensorFields = wire?.kind === 'tables' ? wire.table : {};

function part<T>(name: string, absent: T): fc.Arbitrary<T> {
  const of = tensorFields[name];
  return of === undefined ? fc.constant(absent) : (field(of) as fc.Arbitrary<T>);
}

const tensor = (buffers: number): fc.Arbitrary<Tensor> =>
  record({
    name: text,
    type: fc.constantFrom(...types),
    shape: fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 5 }),
    buffer: index(buffers),
    quantization: fc.option(
      record({
        min: fc.array(f32, { maxLength: 3 }),
        max: fc.array(f32, { maxLength: 3 }),
        scale: fc.array(f32, { maxLength: 3 }),
        zeroPoint: fc.array(
          fc.maxSafeInteger().map((value) => (Object.is(value, -0) ? 0 : value)),
          { maxLength: 3 },
        ),
        dimension: scalars.i32,
        details: fc.constant(null),
      }),
      { nil: null },
    ),
    isVariable: fc.boolean(),
    shapeSignature: fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 4 }),
    hasRank: fc.boolean(),
    sparsity: part<Tensor['sparsity'] | undefined>('sparsity', null).map((value) => value ?? null),
    variantTensors: part<Tensor['variantTensors']>('variantTensors', []),
  });

const options = fc.option(fc.oneof(union(builtinOptions), union(builtinOptions2)), { nil: null });

const operator = (codes: number, tensors: number): fc.Arbitrary<Operator> => {
  const operands =
    tensors === 0 ? fc.constant<number[]>([-1]) : fc.array(fc.oneof(fc.constant(-1), index(tensors)), { maxLength: 4 });
  return record({
    opcode: index(codes),
    inputs: operands,
    outputs: operands,
    options: options as fc.Arbitrary<Operator['options']>,
    customOptions: bytes(30),
    mutatingInputs: fc.array(fc.boolean(), { maxLength: 3 }),
    intermediates: operands,
  });
};

const subgraph = (codes: number, buffers: number): fc.Arbitrary<Subgraph> =>
  fc.array(tensor(buffers), { maxLength: 5 }).chain((tensors) => {
    const some = tensors.length === 0 ? fc.constant<number[]>([]) : fc.array(index(tensors.length), { maxLength: 3 });
    return record({
      name: text,
      tensors: fc.constant(tensors),
      inputs: some,
      outputs: some,
      operators: codes === 0 ? fc.constant([]) : fc.array(operator(codes, tensors.length), { maxLength: 4 }),
    });
  });

/** Any model whose indices exist. */
export const arbitraryModel: fc.Arbitrary<TfLiteModel> = record({
  codes: fc.array(
    record({
      code: fc.oneof(index(builtinNames.length), fc.constant(customCode), fc.integer({ min: 127, max: 5000 })),
      customCode: text,
      version: fc.integer({ min: 1, max: 20 }),
    }),
    { maxLength: 4 },
  ),
  buffers: fc.array(bytes(70), { minLength: 1, maxLength: 6 }),
}).chain(({ codes, buffers }) =>
  fc.array(subgraph(codes.length, buffers.length), { minLength: 1, maxLength: 3 }).chain((subgraphs) => {
    const map = (tensors: number) =>
      tensors === 0 ? fc.constant([]) : fc.array(record({ name: text, tensor: index(tensors) }), { maxLength: 3 });
    const signature = index(subgraphs.length).chain((chosen) => {
      const tensors = subgraphs[chosen]?.tensors.length ?? 0;
      return record({ key: text, subgraph: fc.constant(chosen), inputs: map(tensors), outputs: map(tensors) });
    });
    return record({
      description: text,
      operatorCodes: fc.constant(codes),
      subgraphs: fc.constant(subgraphs),
      buffers: fc.constant(buffers),
      metadata: fc.array(record({ name: text, buffer: index(buffers.length) }), { maxLength: 3 }),
      signatures: fc.array(signature, { maxLength: 2 }),
    });
  }),
);

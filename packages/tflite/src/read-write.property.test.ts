import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryModel, table } from './arbitrary-model-for-tests.js';
import { decodeFlatbuffer } from './flatbuffer-decode.js';
import { encodeFlatbuffer } from './flatbuffer-encode.js';
import { i8, tables, u32 } from './flatbuffer-schema.js';
import type { Decoded } from './flatbuffer-schema.js';
import { printModel } from './print.js';
import { readModel } from './read.js';
import { metadataIdentifier, metadataSchema } from './schema/metadata.js';
import { writeModel } from './write.js';
import { appendZip, readZip } from './zip.js';

const seed = 20_261_124;

/** As much of the format as it takes to see which fields an operator has: an offset reads as a number above 0. */
const presence = {
  version: u32(),
  operatorCodes: u32(),
  subgraphs: tables({
    tensors: u32(),
    inputs: u32(),
    outputs: u32(),
    operators: tables({
      opcode: u32(),
      inputs: u32(),
      outputs: u32(),
      optionsType: i8(),
      options: u32(),
      customOptions: u32(),
      customOptionsFormat: i8(),
      mutatingInputs: u32(),
      intermediates: u32(),
    }),
  }),
} as const;

describe('readModel and writeModel on 300 arbitrary models', () => {
  it('what was written reads the same, and writes the same bytes again', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const file = writeModel(model);
        const read = readModel(file);
        assert.deepEqual(read, model);
        assert.deepEqual(writeModel(read), file);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('the data of every buffer lies at a multiple of 16 bytes, in the file and in memory', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const file = writeModel(model);
        for (const data of readModel(file).buffers) {
          if (data.length === 0) continue;
          assert.equal((data.byteOffset - file.byteOffset) % 16, 0);
          assert.equal(data.byteOffset % 16, 0);
        }
      }),
      { seed, numRuns: 100 },
    );
  });

  it('a model without custom options has no such field, and one without optional vectors none of them', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const bare = {
          ...model,
          subgraphs: model.subgraphs.map((subgraph) => ({
            ...subgraph,
            operators: subgraph.operators.map((one) => ({
              ...one,
              customOptions: new Uint8Array(),
              mutatingInputs: [],
              intermediates: [],
            })),
          })),
        };
        const seen = decodeFlatbuffer(writeModel(bare), presence, null, 'the model');
        const fields = seen.subgraphs.flatMap(({ operators }) => operators);
        // A field that is there, however empty, would read as an offset.
        for (const { customOptions, mutatingInputs, intermediates } of fields) {
          assert.deepEqual([customOptions, mutatingInputs, intermediates], [0, 0, 0]);
        }
      }),
      { seed, numRuns: 100 },
    );
  });

  it('prints as one line a tensor and an operator, whatever their names are', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const parts = model.subgraphs.reduce((sum, one) => sum + 1 + one.tensors.length + one.operators.length, 0);
        const lines = printModel(model).split('\n').length - 1;
        assert.equal(lines, 1 + parts + model.signatures.length + model.metadata.length);
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe('TFLite Metadata and the zip behind a model', () => {
  it('any metadata reads as it was written', () => {
    fc.assert(
      fc.property(table(metadataSchema), (drawn) => {
        const metadata = drawn as Decoded<typeof metadataSchema>;
        const file = encodeFlatbuffer(metadataSchema, metadata, metadataIdentifier);
        assert.deepEqual(decodeFlatbuffer(file, metadataSchema, metadataIdentifier, 'm'), metadata);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('any files come back from behind any model, which reads the same with them', () => {
    const entry = fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.uint8Array({ maxLength: 300 }))
      .map(([name, data]) => ({ name, data }));
    fc.assert(
      fc.property(arbitraryModel, fc.array(entry, { minLength: 1, maxLength: 4 }), (model, entries) => {
        const file = appendZip(writeModel(model), entries);
        const back = readZip(file, 'f').map(({ name, data }) => ({ name, data: Uint8Array.from(data) }));
        assert.deepEqual(back, entries);
        assert.deepEqual(readModel(file), model);
      }),
      { seed, numRuns: 100 },
    );
  });
});

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { builtinCode } from './ops.js';
import { mainSubgraph } from './model.js';
import type { Operator, Tensor, TfLiteModel } from './model.js';
import { printModel } from './print.js';
import { readModel } from './read.js';
import { writeModel } from './write.js';

const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const files = existsSync(coral) ? readdirSync(coral).filter((name) => name.endsWith('.tflite')) : [];
/** Its tensors point at buffers that it does not have. */
const broken = 'model_invoking_error.tflite';
const absent = files.length === 0 ? 'no models of google-coral/test_data in ../shared/data/coral' : false;

const tensor = (name: string, buffer = 0): Tensor => ({
  name,
  type: 'int32',
  shape: [2],
  buffer,
  quantization: null,
  isVariable: false,
  shapeSignature: [],
  hasRank: true,
  sparsity: null,
  variantTensors: [],
});
const operator = (
  opcode: number,
  inputs: number[],
  outputs: number[],
  options: Operator['options'] = null,
): Operator => ({
  opcode,
  inputs,
  outputs,
  options,
  customOptions: new Uint8Array(),
  mutatingInputs: [],
  intermediates: [],
});

/** A counter: initialised once, then raised in a loop; it touches every part that refers to other subgraphs or variables. */
const stateful: TfLiteModel = {
  description: 'a counter',
  operatorCodes: (['CALL_ONCE', 'VAR_HANDLE', 'READ_VARIABLE', 'ASSIGN_VARIABLE', 'WHILE', 'IF', 'ADD'] as const).map(
    (name) => ({ code: builtinCode(name), customCode: '', version: 1 }),
  ),
  subgraphs: [
    {
      name: 'main',
      tensors: [tensor('x'), { ...tensor('handle'), type: 'resource', shape: [] }, tensor('y'), tensor('z')],
      inputs: [0],
      outputs: [3],
      operators: [
        operator(0, [], [], { type: 'CallOnceOptions', initSubgraph: 1 }),
        operator(1, [], [1], { type: 'VarHandleOptions', container: 'c', sharedName: 'counter' }),
        operator(2, [1], [2], { type: 'ReadVariableOptions' }),
        operator(4, [2], [3], { type: 'WhileOptions', condSubgraph: 2, bodySubgraph: 3 }),
        operator(5, [0, 2], [3], { type: 'IfOptions', thenSubgraph: 2, elseSubgraph: 3 }),
        operator(3, [1, 3], [], { type: 'AssignVariableOptions' }),
      ],
    },
    { name: 'init', tensors: [tensor('one', 1)], inputs: [], outputs: [], operators: [] },
    { name: 'condition', tensors: [tensor('i')], inputs: [0], outputs: [0], operators: [] },
    {
      name: 'body',
      tensors: [
        {
          ...tensor('i'),
          quantization: { min: [-1], max: [1], scale: [0.5, 0.25], zeroPoint: [0, -3], dimension: 1, details: null },
        },
        tensor('one', 1),
        tensor('sum'),
      ],
      inputs: [0],
      outputs: [2],
      operators: [operator(6, [0, -1], [2], { type: 'AddOptions', activation: 1, potScaleInt16: false })],
    },
  ],
  buffers: [new Uint8Array(), Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0)],
  metadata: [{ name: 'note', buffer: 1 }],
  signatures: [
    { key: 'serving_default', subgraph: 0, inputs: [{ name: 'x', tensor: 0 }], outputs: [{ name: 'z', tensor: 3 }] },
    { key: 'body', subgraph: 3, inputs: [{ name: 'i', tensor: 0 }], outputs: [{ name: 'sum', tensor: 2 }] },
  ],
};

describe('readModel and writeModel', () => {
  it('keep every field of a model with several subgraphs, variables and signatures', () => {
    assert.deepEqual(readModel(writeModel(stateful)), stateful);
  });

  it('write builtin codes above 127 in both fields', () => {
    const large = { ...stateful, operatorCodes: stateful.operatorCodes.map((code) => ({ ...code, code: 143 })) };
    assert.deepEqual(readModel(writeModel(large)).operatorCodes[0], { code: 143, customCode: '', version: 1 });
  });

  it('align the data of every buffer to 16 bytes', () => {
    const buffers = Array.from({ length: 40 }, (_, length) => new Uint8Array(length).fill(length));
    const file = writeModel({ ...stateful, buffers });
    const written = readModel(file).buffers;
    assert.deepEqual(written, buffers);
    for (const data of written.slice(1)) assert.equal((data.byteOffset - file.byteOffset) % 16, 0);
  });

  for (const name of files.filter((file) => file !== broken)) {
    it(`round trip of ${name} keeps the typed model`, () => {
      const model = readModel(readFileSync(join(coral, name)), name);
      const again = readModel(writeModel(model), name);
      assert.deepEqual(again, model);
      assert.ok(printModel(again).includes(`subgraph 0`));
      assert.ok(mainSubgraph(again).operators.length > 0);
    });
  }
  it('round trip of real models', { skip: absent }, () => assert.ok(files.length > 5));
});

describe('readModel on damaged files', () => {
  const whole = writeModel(stateful);

  const refusal = (file: Uint8Array): string => {
    try {
      readModel(file, 'm.tflite');
      return '';
    } catch (error) {
      assert.ok(
        isAtollError(error, 'DATA_LOSS') ||
          isAtollError(error, 'INVALID_ARGUMENT') ||
          isAtollError(error, 'UNIMPLEMENTED'),
        String(error),
      );
      assert.match(error.message, /^cannot read m\.tflite: [^\n]+$/);
      return error.message;
    }
  };

  it('refuses other formats and empty files as such', () => {
    assert.match(refusal(new Uint8Array()), /it has only 0 bytes/);
    assert.match(
      refusal(new TextEncoder().encode('PK\u0003\u0004 not a model at all')),
      /does not carry the mark TFL3/,
    );
  });

  it('refuses a file cut at any byte, in one line', () => {
    const needed = whole.length - 16;
    for (let length = 0; length < needed; length += 7) assert.notEqual(refusal(whole.subarray(0, length)), '');
  });

  it(`refuses ${broken}`, { skip: absent }, () => {
    assert.match(refusal(readFileSync(join(coral, broken))), /buffer 0 of 0 does not exist/);
  });

  for (const name of files.filter((file) => file !== broken)) {
    it(`refuses ${name} cut in half`, () => {
      const file = readFileSync(join(coral, name));
      assert.notEqual(refusal(file.subarray(0, file.length >> 1)), '');
    });
  }

  it('neither crashes nor stalls on 3,000 mutated files (seed 1)', () => {
    const random = mulberry32(1);
    for (let round = 0; round < 3000; round++) {
      const file = Uint8Array.from(whole);
      for (let change = 0; change < 1 + random() * 8; change++) {
        const at = 8 + Math.floor(random() * (file.length - 8));
        file[at] = random() < 0.5 ? Math.floor(random() * 256) : random() < 0.5 ? 0 : 255;
      }
      refusal(file);
    }
  });

  it('bounds its work on a file whose vectors of tables all point at one another', () => {
    const many = Array.from({ length: 2000 }, () => tensor('t'));
    const small = { name: '', tensors: [], inputs: [], outputs: [], operators: [] };
    const subgraphs = Array.from({ length: 200 }, (_, index) => ({ ...small, tensors: index === 0 ? many : [] }));
    const file = writeModel({ ...stateful, subgraphs, signatures: [] });
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const vector = vectorOf(view, 2);
    const [first = 0] = vector.slots;
    const target = first + view.getUint32(first, true);
    for (const slot of vector.slots) view.setUint32(slot, target - slot, true);
    assert.match(refusal(file), /its parts overlap/);
  });
});

/** Positions of the elements of the root table's vector in field `id`. */
function vectorOf(view: DataView, id: number): { slots: number[] } {
  const root = view.getUint32(0, true);
  const vtable = root - view.getInt32(root, true);
  const field = root + view.getUint16(vtable + 4 + 2 * id, true);
  const vector = field + view.getUint32(field, true);
  return { slots: Array.from({ length: view.getUint32(vector, true) }, (_, index) => vector + 4 + 4 * index) };
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

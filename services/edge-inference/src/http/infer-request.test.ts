import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isAtollError } from '@atoll/base/error';
import { flatElements } from './json-elements.js';
import { headerLengthOf, mostBytes, rawInferRequest, readInferRequest } from './infer-request.js';

const bodyOf = (json: unknown, ...data: readonly Uint8Array[]): readonly [Buffer, number] => {
  const head = Buffer.from(JSON.stringify(json));
  return [Buffer.concat([head, ...data]), head.byteLength];
};

const jsonLimit = 100_000;

const a = { name: 'a', datatype: 'UINT8', shape: [2], parameters: { binary_data_size: 2 } };
const b = { name: 'b', datatype: 'INT16', shape: [1, 2], data: [[1, -2]] };

describe('readInferRequest()', () => {
  test('cuts the binary data in the order of the inputs, between inputs of JSON, as views of the body', () => {
    const c = { ...a, name: 'c', shape: [3], parameters: { binary_data_size: 3 } };
    const parameters = { priority: 2, timeout: 5_000, binary_data_output: true, custom: 'x' };
    const [body, length] = bodyOf(
      {
        id: 'i',
        parameters,
        inputs: [a, b, c],
        outputs: [{ name: 'o' }, { name: 'p', parameters: { binary_data: false } }],
      },
      Uint8Array.of(1, 2),
      Uint8Array.of(3, 4, 5),
    );
    const request = readInferRequest(body, length, jsonLimit);
    assert.deepEqual(
      request.inputs.map((input) => [input.name, 'bytes' in input ? [...input.bytes] : input.elements]),
      [
        ['a', [1, 2]],
        ['b', [1, -2]],
        ['c', [3, 4, 5]],
      ],
    );
    const [first] = request.inputs;
    assert.ok(first !== undefined && 'bytes' in first && first.bytes.buffer === body.buffer);
    assert.deepEqual(request.outputs, [
      { name: 'o', classes: 0, binary: true },
      { name: 'p', classes: 0, binary: false },
    ]);
    assert.deepEqual(
      [request.id, request.binaryByDefault, request.scheduling],
      ['i', true, { priority: 2, timeoutMs: 5 }],
    );
  });

  test('refuses what does not add up, naming the part', () => {
    const two = Uint8Array.of(1, 2);
    const long = JSON.stringify(' '.repeat(jsonLimit));
    const table: readonly (readonly [Buffer, number | undefined, RegExp])[] = [
      [...bodyOf({ inputs: [a] }), /input a has 2 bytes of binary data and 0 are left/],
      [...bodyOf({ inputs: [a] }, two, two), /2 bytes of the body belong to no input/],
      [...bodyOf({ inputs: [{ ...a, data: [1, 2] }] }, two), /has data and binary_data_size/],
      [...bodyOf({ inputs: [{ ...a, parameters: {} }] }), /neither data nor binary_data_size/],
      [...bodyOf({ inputs: [{ ...a, parameters: { binary_data_size: -1 } }] }, two), /not a whole number from 0/],
      [...bodyOf({ inputs: [{ ...a, parameters: { binary_data_size: 1.5 } }] }, two), /not a whole number from 0/],
      [...bodyOf({ inputs: [{ ...a, parameters: { binary_data_size: '2' } }] }, two), /not a whole number from 0/],
      [...bodyOf({ inputs: [{ ...a, parameters: [] }] }), /parameters of inputs\[0\] is not a JSON object/],
      [...bodyOf({ inputs: [{ ...b, shape: [1, -2] }] }), /shape of input b/],
      [...bodyOf({ inputs: [{ ...b, shape: 'x' }] }), /shape of input b/],
      [...bodyOf({ inputs: [{ ...b, shape: Array.from({ length: 33 }, () => 1) }] }), /shape of input b/],
      [...bodyOf({ inputs: [{ ...b, name: 1 }] }), /inputs\[0\] has no name/],
      [...bodyOf({ inputs: [{ ...b, datatype: null }] }), /input b has no datatype/],
      [...bodyOf({ inputs: [null] }), /inputs\[0\] is not a JSON object/],
      [...bodyOf({ inputs: Array.from({ length: 300 }, () => b) }), /300 entries, 256 are the limit/],
      [...bodyOf({ inputs: [b], id: 7 }), /id is not a text/],
      [...bodyOf({ inputs: [b], parameters: { binary_data_output: 1 } }), /binary_data_output is not true or false/],
      [...bodyOf({ inputs: [b], outputs: {} }), /outputs is not a JSON array/],
      [...bodyOf({ inputs: [b], outputs: [{}] }), /outputs\[0\] has no name/],
      [...bodyOf({ inputs: [b], outputs: [{ name: 'o', parameters: { binary_data: 1 } }] }), /binary_data of output o/],
      [
        ...bodyOf({ inputs: [b], outputs: [{ name: 'o', parameters: { classification: 'a' } }] }),
        /classification of output o is not a whole number/,
      ],
      [Buffer.from('{}'), 3, /is 3 and the body has 2/],
      [Buffer.from(long), undefined, /100000 are the limit for this model/],
      [Buffer.from('{"inputs"'), undefined, /is no JSON/],
      [Buffer.alloc(0), undefined, /is no JSON/],
    ];
    for (const [body, length, message] of table)
      assert.throws(() => readInferRequest(body, length, jsonLimit), { message });
  });

  test('whatever the bytes and the length are, the end is a request or an error of one line', () => {
    const names = fc.constantFrom(
      'name',
      'datatype',
      'shape',
      'data',
      'parameters',
      'binary_data_size',
      'inputs',
      'outputs',
      'id',
      '__proto__',
    );
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.integer(),
        fc.double(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(names, tie('any'), { maxKeys: 6 }),
      ),
    })).any;
    const inputs = fc.record({
      inputs: fc.array(
        fc.record({ name: value, datatype: value, shape: value, data: value, parameters: value }, { requiredKeys: [] }),
      ),
    });
    const json = fc.oneof(value, inputs).map((one) => Buffer.from(JSON.stringify(one) ?? ''));
    const body = fc
      .tuple(fc.oneof(json, fc.uint8Array({ maxLength: 64 })), fc.uint8Array({ maxLength: 16 }))
      .map((parts) => Buffer.concat(parts));
    const length = fc.option(fc.nat({ max: 200 }), { nil: undefined });
    fc.assert(
      fc.property(body, length, (bytes, cut) => {
        try {
          const { inputs: got } = readInferRequest(bytes, cut, jsonLimit);
          for (const input of got)
            assert.ok('bytes' in input || input.elements.every((one) => typeof one !== 'object'));
        } catch (error) {
          assert.ok(isAtollError(error), String(error));
          assert.ok(error.code === 'INVALID_ARGUMENT' || error.code === 'UNIMPLEMENTED', error.code);
          assert.match(error.message, /^cannot [^\n]+$/);
        }
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

test('headerLengthOf() takes a whole number and nothing else', () => {
  assert.equal(headerLengthOf(undefined), undefined);
  assert.equal(headerLengthOf('0'), 0);
  assert.equal(headerLengthOf('123'), 123);
  for (const header of ['', ' 1', '-1', '1.0', '1e3', '0x10', '99999999999', 'a'.repeat(1_000), ['1', '2']]) {
    assert.throws(() => headerLengthOf(header), { code: 'INVALID_ARGUMENT', message: /^cannot infer: [^\n]{1,120}$/ });
  }
});

test('rawInferRequest() is for models of one input', () => {
  const spec = { name: 'x', dtype: 'float32', shape: [1, 2], scale: null, zeroPoint: null } as const;
  const { inputs, binaryByDefault } = rawInferRequest(new Uint8Array(8), [spec]);
  assert.deepEqual(
    [inputs[0]?.name, inputs[0]?.datatype, inputs[0]?.shape, binaryByDefault],
    ['x', 'FP32', [1, 2], true],
  );
  assert.throws(() => rawInferRequest(new Uint8Array(8), [spec, spec]), { message: /this one has 2/ });
});

test('flatElements() is the same list for flat and nested data, and refuses other nesting', () => {
  const flat = [1, 2, 3, 4, 5, 6];
  assert.equal(flatElements(flat, [2, 3], 'x'), flat);
  assert.deepEqual(
    flatElements(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [2, 3],
      'x',
    ),
    flat,
  );
  assert.deepEqual(
    flatElements(
      [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
      [2, 3, 1],
      'x',
    ),
    flat,
  );
  const table: readonly (readonly [unknown, RegExp])[] = [
    [7, /is not a JSON array/],
    [[1, 'two'], /element 1 that is no number/],
    [[1, [2]], /element 1 that is no number/],
    [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      /has 3 entries at depth 0 where the shape \[2, 3\] has 2/,
    ],
    [[[1, 2, 3], 4], /is not nested as the shape/],
    [
      [
        [1, 2, 3],
        [4, 5, null],
      ],
      /is not nested as the shape/,
    ],
    [
      [
        [1, 2, 3],
        [4, 5, [6]],
      ],
      /is not nested as the shape/,
    ],
    [
      [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
      /is not nested as the shape/,
    ],
  ];
  for (const [data, message] of table) {
    assert.throws(() => flatElements(data, [2, 3], 'x'), { code: 'INVALID_ARGUMENT', message });
  }
});

test('mostBytes() leaves room for the inputs as indented JSON of full precision, and for their bytes', () => {
  const spec = (dtype: 'uint8' | 'float32', ...shape: readonly number[]) =>
    ({ name: 'x', dtype, shape, scale: null, zeroPoint: null }) as const;
  const grey = Array.from({ length: 200 }, () => Array.from({ length: 200 }, (_, x) => [-Math.PI / (x + 3)]));
  const indented = JSON.stringify(
    { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 200, 200, 1], data: [grey] }] },
    null,
    4,
  );
  assert.ok(indented.length < mostBytes([spec('float32', 1, 200, 200, 1)]).jsonBytes);
  const jsonBytes = 65_536 + 6 * 128;
  assert.deepEqual(mostBytes([spec('uint8', 1, 2, 3)]), { jsonBytes, bodyBytes: jsonBytes + 6 });
  assert.deepEqual(mostBytes([spec('float32', 1_000, 1_000), spec('uint8', 8)]), {
    jsonBytes: 8_388_608,
    bodyBytes: 8_388_608 + 4_000_008,
  });
});

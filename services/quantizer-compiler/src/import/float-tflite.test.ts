import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { openWasm } from '@atoll/runtime/wasm';
import { activations, paddings } from '@atoll/tflite/enums';
import { mainSubgraph } from '@atoll/tflite/model';
import type { Operator, Tensor, TfLiteModel } from '@atoll/tflite/model';
import { builtinNames, customCode } from '@atoll/tflite/ops';
import { readModel } from '@atoll/tflite/read';
import { writeModel } from '@atoll/tflite/write';
import { elementCount } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { flattenOpenBatch } from '../graph/open-batch-for-tests.js';
import { passes } from '../passes/passes.js';
import { toFloat16 } from '../quantize/float16.js';
import { realsOf } from '../run/run-model.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { readFloatTfLite } from './float-tflite.js';

const activation = activations.NONE;
const dense = {
  type: 'FullyConnectedOptions',
  activation,
  weightsFormat: 0,
  keepNumDims: false,
  asymmetricQuantizeInputs: false,
  quantizedBiasType: 0,
} as const;

function drawn(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** A convolution, then Flatten as converters write it for an open batch (SHAPE, STRIDED_SLICE, PACK, RESHAPE), then dense. */
function flattening(): Graph {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, 6, 6, 3]);
  const a = builder.activation('a', [1, 4, 4, 2]);
  builder.op(
    'CONV_2D',
    [x, builder.floats('w', [2, 3, 3, 3], drawn(54, 1)), builder.floats('b', [2], drawn(2, 5))],
    [a],
    {
      type: 'Conv2DOptions',
      padding: paddings.VALID,
      strideW: 1,
      strideH: 1,
      activation,
      dilationW: 1,
      dilationH: 1,
      quantizedBiasType: 0,
    },
  );
  const flat = flattenOpenBatch(builder, a, 'sizes');
  const y = builder.activation('y', [1, 5]);
  builder.op('FULLY_CONNECTED', [flat, builder.floats('d', [5, 32], drawn(160, 2))], [y], dense);
  return builder.build('main', [x], [y]);
}

/** Dense layers over three dimensions, which keep them. */
function sequence(): Graph {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, 7, 4]);
  const y = builder.activation('y', [1, 7, 3]);
  const weights = builder.floats('d', [3, 4], drawn(12, 3));
  const bias = builder.floats('b', [3], drawn(3, 4));
  builder.op('FULLY_CONNECTED', [x, weights, bias], [y], { ...dense, keepNumDims: true });
  return builder.build('main', [x], [y]);
}

const changedTensors = (model: TfLiteModel, change: (tensor: Tensor) => Tensor): TfLiteModel => ({
  ...model,
  subgraphs: model.subgraphs.map((subgraph) => ({ ...subgraph, tensors: subgraph.tensors.map(change) })),
});

const changedFirst = (model: TfLiteModel, change: (operator: Operator) => Operator): TfLiteModel => ({
  ...model,
  subgraphs: model.subgraphs.map((subgraph) => ({
    ...subgraph,
    operators: subgraph.operators.map((operator, at) => (at === 0 ? change(operator) : operator)),
  })),
});

function withFirst(model: TfLiteModel, name: string, isCustom = false): TfLiteModel {
  const code = isCustom
    ? { code: customCode, customCode: name, version: 1 }
    : { code: builtinNames.findIndex((one) => one === name), customCode: '', version: 1 };
  const changed = changedFirst(model, (operator) => ({ ...operator, opcode: model.operatorCodes.length }));
  return { ...changed, operatorCodes: [...model.operatorCodes, code] };
}

/** Every size but the last is what a converter writes when it does not know: 1, with the signature telling that it is open. */
const opened = (model: TfLiteModel): TfLiteModel =>
  changedTensors(model, (tensor) => {
    if (tensor.buffer !== 0) return tensor;
    if (tensor.name === 'x') return { ...tensor, shapeSignature: [-1, ...tensor.shape.slice(1)] };
    const open = tensor.shape.map((size, at) => (at === tensor.shape.length - 1 ? size : -1));
    return { ...tensor, shape: open.map(Math.abs), shapeSignature: open };
  });

const read = (model: TfLiteModel): Graph => verify(readFloatTfLite(writeModel(model), 'm.tflite'), 'import');

async function answer(bytes: Uint8Array): Promise<Float32Array> {
  const model = await openWasm(bytes);
  const inputs = model.inputs.map(({ shape }, at) => new Uint8Array(drawn(elementCount(shape), 9 + at).buffer));
  const [output = new Uint8Array()] = await model.run(inputs);
  await model.close();
  return realsOf(output, { dtype: 'float32', scale: null, zeroPoint: null });
}

describe('readFloatTfLite', () => {
  it('fixes an open batch at 1 and computes the shapes and sizes behind it', () => {
    const model = opened(writeTfLite(flattening()));
    assert.equal(
      printGraph(read(model)),
      `graph main (x:float32[1,6,6,3])
  a:float32[1,4,4,2] = CONV_2D(x, w:float32[2,3,3,3], b:float32[2]) {dilationH=1 dilationW=1 padding=1 strideH=1 strideW=1}
  flat:float32[1,32] = RESHAPE(a, sizes:int32[2]) {newShape=}
  y:float32[1,5] = FULLY_CONNECTED(flat, d:float32[5,32])
  return y
`,
    );
  });

  for (const [name, graph] of [
    ['a model with a computed RESHAPE', flattening()],
    ['dense layers over three dimensions', sequence()],
  ] as const) {
    it(`keeps what the model computes: ${name}`, async () => {
      const bytes = writeModel(writeTfLite(graph));
      const imported = read(readModel(bytes));
      assert.deepEqual(await answer(writeModel(writeTfLite(imported))), await answer(bytes));
    });
  }

  it('puts reshapes around a dense layer that keeps dimensions', () => {
    const imported = read(writeTfLite(sequence()));
    assert.equal(imported.ops.map(({ kind }) => kind).join(' '), 'RESHAPE FULLY_CONNECTED RESHAPE');
    assert.deepEqual(imported.ops[1]?.options, dense);
  });

  it('takes float16 weights through their DEQUANTIZE', () => {
    const half = toFloat16(read(writeTfLite(sequence())));
    const imported = read(writeTfLite(half));
    const passed = passes.reduce((graph, pass) => verify(pass.run(graph), pass.name), imported);
    assert.ok(!passed.ops.some(({ kind }) => kind === 'DEQUANTIZE'));
    const weights = passed.values.find(({ name }) => name === 'd')?.data ?? [];
    const original = drawn(12, 3);
    weights.forEach((weight, at) => assert.ok(Math.abs(weight - (original[at] ?? 9)) < 2 ** -11));
  });

  it('takes int64 operands as int32, those beyond it as the farthest that there are', () => {
    const builder = new GraphBuilder();
    const x = builder.activation('x', [1, 4, 2]);
    const y = builder.activation('y', [1, 3, 2]);
    const operand = (name: string, data: readonly number[]): number => builder.ints(name, [3], data);
    builder.op('SLICE', [x, operand('begin', [0, 1, 0]), operand('size', [-1, -1, -1])], [y], { type: 'SliceOptions' });
    const model = writeTfLite(builder.build('main', [x], [y]));
    const wide = changedTensors(model, (tensor) => (tensor.type === 'int32' ? { ...tensor, type: 'int64' } : tensor));
    const buffers = wide.buffers.map((bytes) => {
      if (bytes.length !== 12) return bytes;
      return new Uint8Array(BigInt64Array.from(new Int32Array(bytes.slice().buffer), (one) => BigInt(one)).buffer);
    });
    const imported = read({ ...wide, buffers });
    assert.equal(imported.values.filter(({ type }) => type === 'int32').length, 2);
    assert.deepEqual(imported.values.find(({ name }) => name === 'begin')?.data, Int32Array.of(0, 1, 0));
  });
});

describe('readFloatTfLite refuses', () => {
  const model = writeTfLite(flattening());
  const main = mainSubgraph(model);
  const change = (partial: Partial<Tensor>, name: string): TfLiteModel =>
    changedTensors(model, (tensor) => (tensor.name === name ? { ...tensor, ...partial } : tensor));
  const conv = main.operators[0]?.options;
  const cases: readonly (readonly [string, TfLiteModel, RegExp])[] = [
    [
      'the boxes of a detector',
      withFirst(model, 'TFLite_Detection_PostProcess', true),
      /operator 0 \(TFLite_Detection_PostProcess\) that makes "a" picks boxes, .* raw boxes and scores/,
    ],
    ['TensorFlow operators', withFirst(model, 'FlexErf', true), /\(FlexErf\) .* without SELECT_TF_OPS/],
    ['other custom operators', withFirst(model, 'Mine', true), /\(Mine\) that makes "a" is a custom operator/],
    ['a custom operator with the name of another', withFirst(model, 'RELU', true), /\(RELU\) .* is a custom operator/],
    ['recurrent layers', withFirst(model, 'UNIDIRECTIONAL_SEQUENCE_LSTM'), /recurrent layer.*unroll it/],
    ['control flow', withFirst(model, 'WHILE'), /operator 0 \(WHILE\) that makes "a" is control flow/],
    ['variables', withFirst(model, 'READ_VARIABLE'), /keeps state between runs/],
    [
      'operators that it does not know',
      withFirst(model, 'COS'),
      /\(COS\) that makes "a" is not supported; these are: CONV_2D,/,
    ],
    ['several subgraphs', { ...model, subgraphs: [main, main] }, /it has 2 subgraphs; one is supported/],
    ['a variable tensor', change({ isVariable: true }, 'a'), /tensor a is a variable/],
    ['a quantized model', change({ type: 'int8' }, 'a'), /tensor a is int8: the model is quantized already/],
    ['text', change({ type: 'string' }, 'a'), /tensor a is string; float32,/],
    ['values of float16', change({ type: 'float16' }, 'a'), /tensor a is float16 and no constant/],
    [
      'an input of open size',
      change({ shapeSignature: [-1, -1, -1, 3] }, 'x'),
      /tensor x has the open shape \[-1, -1, -1, 3\]; convert the model again with every size but the batch fixed/,
    ],
    [
      'a fused activation that no kernel has',
      changedFirst(model, (operator) =>
        conv?.type === 'Conv2DOptions' ? { ...operator, options: { ...conv, activation: activations.TANH } } : operator,
      ),
      /has fused activation 4/,
    ],
    [
      'a padding that does not exist',
      changedFirst(model, (operator) =>
        conv?.type === 'Conv2DOptions' ? { ...operator, options: { ...conv, padding: 7 } } : operator,
      ),
      /has padding 7/,
    ],
    [
      'a stride of 0',
      changedFirst(model, (operator) =>
        conv?.type === 'Conv2DOptions' ? { ...operator, options: { ...conv, strideW: 0 } } : operator,
      ),
      /operator 0 \(CONV_2D\) that makes "a": cannot shape CONV_2D: its stride is 0/,
    ],
  ];
  for (const [name, given, message] of cases) {
    it(`${name}, by name`, () => {
      assert.throws(
        () => readFloatTfLite(writeModel(given), 'm.tflite'),
        (error) =>
          isAtollError(error, 'INVALID_ARGUMENT') &&
          /^cannot import m\.tflite: [^\n]+$/.test(error.message) &&
          message.test(error.message),
      );
    });
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import type { BuiltinName } from '@atoll/tflite/ops';
import type { OperatorOptions } from '@atoll/tflite/schema/options';
import type { Graph, QuantParams } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { printGraph } from '../graph/print.js';
import { outputShapes } from '../graph/shapes.js';
import { verify } from '../graph/verify.js';
import { assignParams } from './assign.js';
import { checkInteger } from './check-integer.js';
import { activationParams, fixedParams } from './params.js';
import type { Range } from './params.js';
import { quantizeGraph } from './quantize.js';

const activation = activations.NONE;
const pool: OperatorOptions = {
  type: 'Pool2DOptions',
  padding: paddings.SAME,
  strideW: 1,
  strideH: 1,
  filterWidth: 2,
  filterHeight: 2,
  activation,
};
const concat: OperatorOptions = { type: 'ConcatenationOptions', axis: 3, activation };
const add: OperatorOptions = { type: 'AddOptions', activation, potScaleInt16: true };
const pixels = fixedParams(1 / 255, -128);

/** A graph from lines `[output, KIND, inputs, options, range]`; inputs are names, numbers are constants. */
type Line = readonly [string, BuiltinName, readonly (string | readonly number[])[], OperatorOptions | null, Range?];

function build(lines: readonly Line[], outputs: readonly string[]) {
  const builder = new GraphBuilder();
  const x = builder.activation('x', [1, 4, 4, 2]);
  const named = new Map([['x', x]]);
  const ranges = new Map<string, Range>();
  for (const [names, kind, operands, options, range] of lines) {
    const inputs = operands.map((operand) => {
      if (typeof operand === 'string') return named.get(operand) ?? -1;
      return kind === 'SPLIT'
        ? builder.ints('axis', [operand.length], operand)
        : builder.floats('constant', [operand.length], Float32Array.from(operand));
    });
    const shapes =
      outputShapes(
        { kind, options },
        inputs.map((index) => builder.at(index)),
      ) ?? [];
    const made = names.split(' ').map((name, at) => {
      const index = builder.activation(name, shapes[at] ?? []);
      named.set(name, index);
      if (range !== undefined) ranges.set(name, range);
      return index;
    });
    builder.op(kind, inputs, made, options);
  }
  const graph = verify(
    builder.build(
      'g',
      [x],
      outputs.map((name) => named.get(name) ?? -1),
    ),
    'test',
  );
  const assigned = assignParams(graph, ranges, new Map([[x, pixels]]));
  return { graph, assigned, paramsOf: (name: string): QuantParams | undefined => assigned.get(named.get(name) ?? -1) };
}

function quantized(graph: Graph, assigned: ReadonlyMap<number, QuantParams>): string {
  const result = verify(quantizeGraph(graph, assigned, { inputType: 'int8', outputType: 'int8' }).graph, 'quantize');
  return result.ops.map(({ kind }) => kind).join(' ');
}

const unit: Range = { min: 0, max: 1 };
const wide: Range = { min: -1, max: 4 };

describe('assignParams', () => {
  it('gives what a pool makes the very parameters of what it reads', () => {
    const { paramsOf } = build([['p', 'MAX_POOL_2D', ['x'], pool, { min: 0, max: 0.3 }]], ['p']);
    assert.equal(paramsOf('p'), paramsOf('x'));
  });

  it('gives all parts of a split the parameters of the whole', () => {
    const { paramsOf } = build(
      [['a b', 'SPLIT', [[3], 'x'], { type: 'SplitOptions', numSplits: 2 }, unit]],
      ['a', 'b'],
    );
    assert.equal(paramsOf('a'), paramsOf('x'));
    assert.equal(paramsOf('b'), paramsOf('x'));
  });

  it('carries the parameters of a join back through pools to the makers of its operands', () => {
    const { graph, assigned, paramsOf } = build(
      [
        ['a', 'RELU', ['x'], null, unit],
        ['p', 'MAX_POOL_2D', ['a'], pool, unit],
        ['b', 'ADD', ['x', [2]], add, wide],
        ['c', 'CONCATENATION', ['p', 'b'], concat, wide],
      ],
      ['c'],
    );
    for (const name of ['a', 'p', 'b']) assert.equal(paramsOf(name), paramsOf('c'), name);
    assert.equal(quantized(graph, assigned), 'RELU MAX_POOL_2D ADD CONCATENATION');
  });

  it('carries them through a join that is joined again', () => {
    const { graph, assigned, paramsOf } = build(
      [
        ['a', 'RELU', ['x'], null, unit],
        ['b', 'ADD', ['x', [1]], add, unit],
        ['c', 'CONCATENATION', ['a', 'b'], concat, unit],
        ['d', 'ADD', ['x', [2]], add, wide],
        ['e', 'CONCATENATION', ['c', 'd'], concat, wide],
      ],
      ['e'],
    );
    for (const name of ['a', 'b', 'c', 'd']) assert.equal(paramsOf(name), paramsOf('e'), name);
    assert.equal(quantized(graph, assigned), 'RELU ADD CONCATENATION ADD CONCATENATION');
  });

  it('requantizes an operand that others read in much finer steps', () => {
    const { graph, assigned, paramsOf } = build(
      [
        ['a', 'RELU', ['x'], null, unit],
        ['b', 'ADD', ['a', [2]], add, wide],
        ['c', 'CONCATENATION', ['a', 'b'], concat, wide],
      ],
      ['c'],
    );
    assert.deepEqual(paramsOf('a'), activationParams(unit));
    assert.equal(quantized(graph, assigned), 'RELU ADD QUANTIZE CONCATENATION');
  });

  it('shares with other readers where steps stay nearly as fine', () => {
    const near: Range = { min: 0, max: 1.05 };
    const { graph, assigned, paramsOf } = build(
      [
        ['a', 'RELU', ['x'], null, unit],
        ['b', 'ADD', ['a', [0.05]], add, near],
        ['c', 'CONCATENATION', ['a', 'b'], concat, near],
      ],
      ['c'],
    );
    assert.equal(paramsOf('a'), paramsOf('c'));
    assert.equal(quantized(graph, assigned), 'RELU ADD CONCATENATION');
  });

  it('leaves operands of equal parameters as they are', () => {
    const { graph, assigned } = build(
      [
        ['p', 'MAX_POOL_2D', ['x'], pool, unit],
        ['c', 'CONCATENATION', ['x', 'p'], concat, { min: 0, max: 0.999 }],
      ],
      ['c'],
    );
    assert.equal(quantized(graph, assigned), 'MAX_POOL_2D CONCATENATION');
  });

  it('requantizes what a softmax makes, whose scale is fixed', () => {
    const { graph, assigned, paramsOf } = build(
      [
        ['s', 'SOFTMAX', ['x'], { type: 'SoftmaxOptions', beta: 1 }],
        ['b', 'ADD', ['x', [2]], add, wide],
        ['c', 'CONCATENATION', ['s', 'b'], concat, wide],
      ],
      ['c'],
    );
    assert.deepEqual(paramsOf('s'), fixedParams(1 / 256, -128));
    assert.equal(quantized(graph, assigned), 'SOFTMAX ADD QUANTIZE CONCATENATION');
  });

  it('keeps the steps of a sum of nothing within what kernels can compute', () => {
    const { paramsOf } = build(
      [['z', 'SUB', ['x', 'x'], { type: 'SubOptions', activation, potScaleInt16: true }, { min: 0, max: 0 }]],
      ['z'],
    );
    assert.ok((paramsOf('z')?.scale[0] ?? 0) >= 1 / 255 / 129);
  });
});

describe('quantizeGraph', () => {
  it('refuses an operation without an int8 kernel, naming it, what it makes and what to do', () => {
    const { graph, assigned } = build([['q', 'DIV', ['x', 'x'], { type: 'DivOptions', activation }, unit]], ['q']);
    assert.throws(() => quantized(graph, assigned), {
      code: 'INVALID_ARGUMENT',
      message: 'cannot quantize DIV, which makes "q": it has no int8 kernel; multiply by the reciprocal instead',
    });
  });

  it('refuses a shape that is only known when the model runs, and says which', () => {
    const builder = new GraphBuilder();
    const x = builder.activation('x', [1, 4]);
    const sizes = builder.value({ name: 'sizes', type: 'int32', shape: [2], data: null, quantization: null });
    const y = builder.activation('y', [2, 2]);
    builder.op('SHAPE', [x], [sizes], { type: 'ShapeOptions', outType: 2 });
    builder.op('RESHAPE', [x, sizes], [y], { type: 'ReshapeOptions', newShape: [] });
    const graph = builder.build('g', [x], [y]);
    const assigned = assignParams(graph, new Map(), new Map([[x, pixels]]));
    assert.throws(() => quantizeGraph(graph, assigned, { inputType: 'int8', outputType: 'int8' }), {
      message: 'cannot quantize SHAPE, which makes "sizes": it has no int8 kernel; compute it outside the model',
    });
    const reshape = { ...graph, ops: graph.ops.slice(1) };
    assert.throws(() => quantizeGraph(reshape, assigned, { inputType: 'int8', outputType: 'int8' }), {
      message:
        /cannot quantize RESHAPE, which makes "y": sizes is computed when the model runs; give the model a fixed/,
    });
  });

  it('requantizes once what two joins read in the same steps', () => {
    const { graph, assigned } = build(
      [
        ['s', 'SOFTMAX', ['x'], { type: 'SoftmaxOptions', beta: 1 }],
        ['b', 'ADD', ['x', [2]], add, wide],
        ['c', 'CONCATENATION', ['s', 'b', 's'], concat, wide],
      ],
      ['c'],
    );
    assert.equal(quantized(graph, assigned), 'SOFTMAX ADD QUANTIZE CONCATENATION');
  });

  it('keeps weights that two layers share once', () => {
    const builder = new GraphBuilder();
    const x = builder.activation('x', [1, 4]);
    const weights = builder.floats(
      'w',
      [4, 4],
      Float32Array.from({ length: 16 }, (_, at) => at / 16),
    );
    const bias = builder.floats('b', [4], new Float32Array(4));
    const layer = (name: string, from: number): number => {
      const made = builder.activation(name, [1, 4]);
      builder.op('FULLY_CONNECTED', [from, weights, bias], [made], {
        type: 'FullyConnectedOptions',
        activation,
        weightsFormat: 0,
        keepNumDims: false,
        asymmetricQuantizeInputs: false,
        quantizedBiasType: 0,
      });
      return made;
    };
    const graph = verify(builder.build('g', [x], [layer('second', layer('first', x))]), 'test');
    const ranges = new Map([['first', unit] as const, ['second', wide] as const]);
    const assigned = assignParams(graph, ranges, new Map([[x, pixels]]));
    const result = quantizeGraph(graph, assigned, { inputType: 'int8', outputType: 'int8' }).graph;
    assert.equal(result.ops[0]?.inputs[1], result.ops[1]?.inputs[1]);
    assert.notEqual(result.ops[0]?.inputs[2], result.ops[1]?.inputs[2]);
  });

  it('gives a convolution without bias one of 0', () => {
    const builder = new GraphBuilder();
    const x = builder.activation('x', [1, 4, 4, 2]);
    const out = builder.activation('y', [1, 4, 4, 3]);
    const kernel = builder.floats('w', [3, 1, 1, 2], new Float32Array(6).fill(0.5));
    builder.op('CONV_2D', [x, kernel], [out], {
      type: 'Conv2DOptions',
      padding: paddings.SAME,
      strideW: 1,
      strideH: 1,
      activation,
      dilationW: 1,
      dilationH: 1,
      quantizedBiasType: 0,
    });
    const graph = verify(builder.build('g', [x], [out]), 'test');
    const assigned = assignParams(graph, new Map([['y', unit]]), new Map([[x, pixels]]));
    const result = quantizeGraph(graph, assigned, { inputType: 'int8', outputType: 'int8' }).graph;
    assert.match(printGraph(result), /CONV_2D\(x, w:int8\[3,1,1,2\]\*3 scales, w\/zero_bias:int32\[3\]\*3 scales\)/);
  });
});

describe('checkInteger', () => {
  const graph = build([['p', 'MAX_POOL_2D', ['x'], pool, unit]], ['p']).graph;

  it('refuses a float value between the borders, by name', () => {
    assert.throws(() => checkInteger(graph), {
      code: 'INTERNAL',
      message: 'cannot call g full-integer: MAX_POOL_2D uses "x", which is float32',
    });
  });

  it('refuses an 8-bit value without a scale', () => {
    const values = graph.values.map((value) => ({ ...value, type: 'int8' as const }));
    assert.throws(() => checkInteger({ ...graph, values }), /"x", which is int8 without a scale/);
  });
});

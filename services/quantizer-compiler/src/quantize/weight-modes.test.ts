import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { openLiteRt } from '@atoll/runtime/litert';
import type { LoadedModel } from '@atoll/runtime/model';
import { openTfLite } from '@atoll/runtime/tflite';
import { openWasm } from '@atoll/runtime/wasm';
import { activations, paddings } from '@atoll/tflite/enums';
import { operatorName } from '@atoll/tflite/model';
import { writeModel } from '@atoll/tflite/write';
import { realsOf } from '../run/run-model.js';
import { elementCount, floatData } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { halfToFloat } from '../passes/evaluate/half.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { toDynamicRange } from './dynamic-range.js';
import { halfBits, toFloat16 } from './float16.js';

const { liteRt, tfLite } = cachePaths(process.env);
const remedy = 'is not in the cache; npm start or npm test fetches it';

const machines: readonly {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (bytes: Uint8Array) => LoadedModel | Promise<LoadedModel>;
}[] = [
  { name: 'LiteRT', skip: !existsSync(liteRt) && `LiteRT ${remedy}`, open: (bytes) => openLiteRt(bytes, liteRt, 1) },
  {
    name: 'TFLite 2.9',
    skip: !existsSync(tfLite) && `TFLite ${remedy}`,
    open: (bytes) => openTfLite(bytes, tfLite, 1),
  },
  { name: 'wasm', skip: false, open: openWasm },
];

const shape = [1, 12, 12, 8];

/** Convolution, depthwise, another convolution with few weights, mean, dense: the kinds of weights that become smaller. */
function net(): Graph {
  const random = seededRandom(21);
  const builder = new GraphBuilder();
  const weights = (name: string, sizes: readonly number[], fan: number): number => {
    const reach = Math.sqrt(6 / fan);
    return builder.floats(
      name,
      sizes,
      Float32Array.from({ length: elementCount(sizes) }, () => (2 * random() - 1) * reach),
    );
  };
  const window = { padding: paddings.SAME, strideW: 1, strideH: 1, dilationW: 1, dilationH: 1 };
  const relu = { activation: activations.RELU };
  const conv = { ...window, ...relu, type: 'Conv2DOptions', quantizedBiasType: 0 } as const;
  const x = builder.activation('x', shape);
  const a = builder.activation('a', [1, 12, 12, 128]);
  builder.op('CONV_2D', [x, weights('conv', [128, 3, 3, 8], 72), weights('conv/bias', [128], 60)], [a], conv);
  const b = builder.activation('b', [1, 12, 12, 128]);
  builder.op(
    'DEPTHWISE_CONV_2D',
    [a, weights('depthwise', [1, 3, 3, 128], 9), weights('depthwise/bias', [128], 60)],
    [b],
    {
      ...window,
      ...relu,
      type: 'DepthwiseConv2DOptions',
      depthMultiplier: 1,
    },
  );
  const c = builder.activation('c', [1, 12, 12, 4]);
  builder.op('CONV_2D', [b, weights('small', [4, 1, 1, 128], 128), weights('small/bias', [4], 60)], [c], conv);
  const flat = builder.activation('flat', [1, 576]);
  builder.op('RESHAPE', [c, builder.ints('sizes', [2], [1, 576])], [flat], {
    type: 'ReshapeOptions',
    newShape: [1, 576],
  });
  const y = builder.activation('y', [1, 10]);
  builder.op('FULLY_CONNECTED', [flat, weights('dense', [10, 576], 576), weights('dense/bias', [10], 60)], [y], {
    type: 'FullyConnectedOptions',
    activation: activations.NONE,
    weightsFormat: 0,
    keepNumDims: false,
    asymmetricQuantizeInputs: false,
    quantizedBiasType: 0,
  });
  return verify(builder.build('net', [x], [y]), 'test');
}

const modes = [
  {
    name: 'toDynamicRange',
    of: toDynamicRange,
    share: 0.45,
    error: 0.03,
    versions: 'CONV_2D 5, DEPTHWISE_CONV_2D 6, CONV_2D 1, RESHAPE 1, FULLY_CONNECTED 9',
  },
  {
    name: 'toFloat16',
    of: toFloat16,
    share: 0.65,
    error: 0.002,
    versions: `${'DEQUANTIZE 3, '.repeat(8)}CONV_2D 1, DEPTHWISE_CONV_2D 1, CONV_2D 1, RESHAPE 1, FULLY_CONNECTED 1`,
  },
] as const;

const inputs = [1, 2, 3, 4].map((seed) => {
  const random = seededRandom(seed);
  return new Uint8Array(Float32Array.from({ length: elementCount(shape) }, () => 2 * random() - 1).buffer);
});

async function answers(model: LoadedModel): Promise<readonly Float32Array[]> {
  const all: Float32Array[] = [];
  for (const input of inputs) {
    const [bytes = new Uint8Array()] = await model.run([input]);
    all.push(realsOf(bytes, { dtype: 'float32', scale: null, zeroPoint: null }));
  }
  await model.close();
  return all;
}

for (const { name, of, share, error, versions } of modes) {
  describe(name, async () => {
    const float = net();
    const smaller = verify(of(float), name);
    const written = writeTfLite(smaller);
    const bytes = writeModel(written);
    const floatBytes = writeModel(writeTfLite(float));
    const expected = await answers(await openWasm(floatBytes));
    const peak = Math.max(...expected.flatMap((row) => [...row].map(Math.abs)));

    it(`has the versions ${versions}`, () => {
      const found = written.subgraphs[0]?.operators.map(
        (operator) => `${operatorName(written, operator)} ${written.operatorCodes[operator.opcode]?.version}`,
      );
      assert.equal(found?.join(', '), versions);
    });

    it(`makes the file at most ${share} of its size`, () => {
      assert.ok(bytes.length < share * floatBytes.length, `${bytes.length} of ${floatBytes.length}`);
    });

    it('takes and gives floats, and changes nothing else', () => {
      assert.deepEqual(
        [...smaller.inputs, ...smaller.outputs].map((index) => smaller.values[index]?.type),
        ['float32', 'float32'],
      );
    });

    for (const machine of machines) {
      it(`answers within ${error} of the float model on ${machine.name}`, { skip: machine.skip }, async () => {
        const actual = await answers(await machine.open(bytes));
        actual.forEach((row, at) => {
          row.forEach((value, place) => {
            const difference = Math.abs(value - (expected[at]?.[place] ?? Number.NaN)) / peak;
            assert.ok(difference <= error, `${difference} at ${place}`);
          });
        });
      });
    }
  });
}

describe('halfBits', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [Number.NaN, 0x7e00],
  ];
  for (const [value, bits] of cases) {
    it(`${value} is 0x${bits.toString(16)}`, () => {
      assert.equal(halfBits(value), bits);
    });
  }

  it('gives every half back as it was', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const real = halfToFloat(bits);
      if (!Number.isNaN(real) && bits !== 0x8000) assert.equal(halfBits(real), bits);
    }
  });
});

describe('toFloat16', () => {
  it('leaves constants that float16 cannot hold', () => {
    const float = net();
    const values = float.values.map((value) =>
      value.name === 'dense'
        ? { ...value, data: (floatData(value) ?? new Float32Array()).map((one) => one * 1e6) }
        : value,
    );
    const kept = toFloat16({ ...float, values });
    assert.deepEqual(
      kept.values.filter(({ name }) => name.startsWith('dense')).map(({ name, type }) => `${name} ${type}`),
      ['dense float32', 'dense/bias float32', 'dense/bias/float16 float16'],
    );
  });
});

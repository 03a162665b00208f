import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { activations, paddings } from '@atoll/tflite/enums';
import { writeModel } from '@atoll/tflite/write';
import { GraphBuilder } from '../graph/graph-builder.js';
import type { Graph, QuantParams } from '../graph/graph.js';
import { valueAt } from '../graph/graph.js';
import { writeTfLite } from '../write/write-tflite.js';
import { fixedPoint, integerOutput, requantized } from './integer-layer-for-tests.js';
import { activationParams, quantizeInt8 } from './params.js';
import { quantizeGraph } from './quantize.js';
import { quantizeWeights } from './weights.js';

const seed = 20_261_124;
const real = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(Math.fround);
const small = fc.double({ min: -1e-5, max: 1e-5, noNaN: true }).map(Math.fround);
const range = fc
  .tuple(fc.oneof(real, small), fc.oneof(real, small))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
/** Scales are float32: 255 steps of one may miss the range by this many. */
const rounding = 1e-4;

function dequantized(q: number, { scale: [scale = 0], zeroPoint: [zeroPoint = 0] }: QuantParams): number {
  return scale * (q - zeroPoint);
}

describe('activationParams', () => {
  it('the scale is a float32 above 0 whose 255 steps span the range and 0', () => {
    fc.assert(
      fc.property(range, (given) => {
        const { scale, zeroPoint } = activationParams(given);
        const [step = 0] = scale;
        assert.ok(step > 0 && Math.fround(step) === step && scale.length === 1 && zeroPoint.length === 1);
        const span = Math.max(0, given.max) - Math.min(0, given.min);
        assert.ok(step * 255 >= span * (1 - 1e-6), `${step * 255} for ${span}`);
        // A range narrower than 1e-6 is widened to that, and any other by 1/254 at most.
        assert.ok(step * 254 <= 1.000_001 * (span + 1e-6), `${step * 255} for ${span}`);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('0 is represented exactly', () => {
    fc.assert(
      fc.property(range, (given) => {
        const params = activationParams(given);
        const [zeroPoint = 999] = params.zeroPoint;
        assert.ok(Number.isInteger(zeroPoint) && zeroPoint >= -128 && zeroPoint <= 127);
        const [q = 999] = quantizeInt8(Float32Array.of(0), params);
        assert.equal(Math.abs(dequantized(q, params)), 0);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('inside the range a value comes back within half a step, outside it is clipped to the end', () => {
    fc.assert(
      fc.property(range, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
        const params = activationParams(given);
        const [step = 0] = params.scale;
        const [low, high] = [Math.min(0, given.min), Math.max(0, given.max)];
        const inside = Math.fround(low + share * (high - low));
        const outside = [dequantized(-128, params) - 2 * step, dequantized(127, params) + 2 * step];
        const [q = 999, below = 999, above = 999] = quantizeInt8(Float32Array.of(inside, ...outside), params);
        assert.ok(Math.abs(dequantized(q, params) - inside) <= step * (0.5 + rounding), `${inside} becomes ${q}`);
        assert.deepEqual([below, above], [-128, 127]);
      }),
      { seed, numRuns: 500 },
    );
  });
});

const layer = fc
  .record({
    channels: fc.integer({ min: 1, max: 6 }),
    inner: fc.integer({ min: 1, max: 12 }),
    perChannel: fc.boolean(),
    inputScale: fc.double({ min: 1e-4, max: 1, noNaN: true }).map(Math.fround),
  })
  .chain(({ channels, inner, ...rest }) =>
    fc.record({
      ...(Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, fc.constant(value)])) as {
        perChannel: fc.Arbitrary<boolean>;
        inputScale: fc.Arbitrary<number>;
      }),
      shape: fc.constant([channels, inner] as const),
      weights: fc
        .array(fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constant(0), small), {
          minLength: channels * inner,
          maxLength: channels * inner,
        })
        .map((all) => Float32Array.from(all)),
      bias: fc
        .array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: channels, maxLength: channels })
        .map((all) => Float32Array.from(all)),
    }),
  );

describe('quantizeWeights', () => {
  it('every weight comes back within half a step of its channel, and the greatest fill the range', () => {
    fc.assert(
      fc.property(layer, ({ weights, shape, bias, perChannel, inputScale }) => {
        const quantized = quantizeWeights(weights, shape, bias, perChannel ? 0 : null, inputScale);
        const { scale } = quantized.weightParams;
        assert.equal(scale.length, perChannel ? shape[0] : 1);
        weights.forEach((weight, at) => {
          const step = scale[perChannel ? Math.floor(at / shape[1]) : 0] ?? 0;
          const q = quantized.weights[at] ?? 0;
          assert.ok(q >= -127 && Math.abs(step * q - weight) <= step * (0.5 + rounding), `${weight} becomes ${q}`);
        });
        if (quantized.adjusted === 0 && weights.some((weight) => Math.abs(weight) > 1e-6)) {
          assert.equal(
            quantized.weights.reduce((most, q) => Math.max(most, Math.abs(q)), 0),
            127,
          );
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it('the bias is its value over input scale times weight scale, rounded, and leaves room in an int32', () => {
    fc.assert(
      fc.property(layer, ({ weights, shape, bias, perChannel, inputScale }) => {
        const quantized = quantizeWeights(weights, shape, bias, perChannel ? 0 : null, inputScale);
        bias.forEach((value, channel) => {
          const at = perChannel ? channel : 0;
          const step = Math.fround(inputScale * (quantized.weightParams.scale[at] ?? 0));
          assert.equal(quantized.biasParams.scale[at], step);
          const q = quantized.bias[channel] ?? 0;
          assert.ok(Math.abs(step * q - value) <= step * 0.5 * (1 + 1e-9) + 1e-12, `${value} becomes ${q} of ${step}`);
          assert.ok(Math.abs(q) <= 2 ** 30 * (1 + 1e-6), `${q} leaves no room`);
        });
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('fixedPoint', () => {
  it('a multiplier is held to 31 bits, and a product rounds to the nearest whole number', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-8, max: 0.999, noNaN: true }),
        fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
        (m, x) => {
          const { multiplier, shift } = fixedPoint(m);
          assert.ok(multiplier >= 2n ** 30n && multiplier < 2n ** 31n);
          assert.ok(Math.abs(Number(multiplier) * 2 ** (shift - 31) - m) <= m * 2 ** -30);
          assert.ok(Math.abs(requantized(x, { multiplier, shift }) - x * m) <= 0.5 + Math.abs(x) * m * 2 ** -30);
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});

const libraries = cachePaths(process.env);
const image: QuantParams = { scale: [Math.fround(1 / 255)], zeroPoint: [-128], dimension: 0 };

/** A layer over 4 positions of 12 numbers each: a 1x1 convolution or, over one position, a dense layer. */
function oneLayer(
  kind: 'CONV_2D' | 'FULLY_CONNECTED',
  weights: Float32Array,
  bias: Float32Array,
  activation: number,
): Graph {
  const builder = new GraphBuilder();
  const channels = bias.length;
  const inner = weights.length / channels;
  const isConv = kind === 'CONV_2D';
  const input = builder.activation('x', isConv ? [1, 2, 2, inner] : [1, inner]);
  const kernel = builder.floats('w', isConv ? [channels, 1, 1, inner] : [channels, inner], weights);
  const offsets = builder.floats('b', [channels], bias);
  const output = builder.activation('y', isConv ? [1, 2, 2, channels] : [1, channels]);
  const conv = { padding: paddings.VALID, strideW: 1, strideH: 1, dilationW: 1, dilationH: 1, quantizedBiasType: 0 };
  const dense = { weightsFormat: 0, keepNumDims: false, asymmetricQuantizeInputs: false, quantizedBiasType: 0 };
  builder.op(
    kind,
    [input, kernel, offsets],
    [output],
    isConv ? { type: 'Conv2DOptions', ...conv, activation } : { type: 'FullyConnectedOptions', ...dense, activation },
  );
  return builder.build('layer', [input], [output]);
}

describe('an int8 layer in the runtime against its whole numbers', () => {
  for (const kind of ['CONV_2D', 'FULLY_CONNECTED'] as const) {
    it(`${kind}: no output of 12 layers is off by more than 1 count, few are off at all`, async () => {
      let outputs = 0;
      let off = 0;
      for (const drawn of fc.sample(layer, { seed, numRuns: 12 })) {
        const { weights, bias } = drawn;
        const [channels, inner] = drawn.shape;
        const output = activationParams({ min: -inner, max: 1.5 * inner });
        const graph = oneLayer(
          kind,
          weights,
          bias.map((value) => value / 50),
          activations.NONE,
        );
        const assigned = new Map([
          [graph.inputs[0] ?? 0, image],
          [graph.outputs[0] ?? 0, output],
        ]);
        const quantized = quantizeGraph(graph, assigned, { inputType: 'int8', outputType: 'int8' }).graph;
        const [op] = quantized.ops;
        const [, kernel, offsets] = (op?.inputs ?? []).map((index) => valueAt(quantized, index));
        const integers = {
          weights: kernel?.data as Int8Array,
          bias: offsets?.data as Int32Array,
          inputScale: image.scale[0] ?? 0,
          inputZero: image.zeroPoint[0] ?? 0,
          weightScales: kernel?.quantization?.scale ?? [],
          outputScale: output.scale[0] ?? 0,
          outputZero: output.zeroPoint[0] ?? 0,
        };
        const positions = kind === 'CONV_2D' ? 4 : 1;
        const input = Int8Array.from({ length: positions * inner }, (_, at) => ((at * 89 + channels * 31) % 256) - 128);
        const model = await openModel(writeModel(writeTfLite(quantized)), { backend: 'auto', libraries });
        const [bytes = new Uint8Array()] = await model.run([new Uint8Array(input.buffer)]);
        await model.close();
        const actual = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
        assert.equal(actual.length, positions * channels);
        actual.forEach((q, at) => {
          const position = Math.floor(at / channels) * inner;
          const expected = integerOutput(integers, input.subarray(position, position + inner), at % channels);
          outputs++;
          if (q !== expected) off++;
          assert.ok(Math.abs(q - expected) <= 1, `output ${at} is ${q}, not ${expected}`);
        });
      }
      assert.ok(off <= 0.02 * outputs, `${off} of ${outputs} are off`);
    });
  }
});

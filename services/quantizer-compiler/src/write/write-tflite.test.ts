import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { activations, paddings } from '@atoll/tflite/enums';
import { writeModel } from '@atoll/tflite/write';
import { quantizeModel } from '../compile.js';
import type { QuantizeResult } from '../compile.js';
import type { Graph } from '../graph/graph.js';
import { GraphBuilder } from '../graph/graph-builder.js';
import { verify } from '../graph/verify.js';
import { seededRandom, smoothPhotos } from '../test-models.js';
import { writeTfLite } from './write-tflite.js';

const libraries = cachePaths(process.env);

/** Every operation beside those of the reference network: a small residual net with branches that join. */
function residualNet(): Graph {
  const random = seededRandom(11);
  const builder = new GraphBuilder();
  const weights = (name: string, shape: readonly number[], fan: number): number => {
    const count = shape.reduce((a, b) => a * b, 1);
    return builder.floats(
      name,
      shape,
      Float32Array.from({ length: count }, () => (2 * random() - 1) * Math.sqrt(3 / fan)),
    );
  };
  const window = { padding: paddings.SAME, dilationW: 1, dilationH: 1 };
  const fused = { activation: activations.NONE };
  const conv = (name: string, input: number, from: number, to: number, size: number, stride: number): number => {
    const kernel = weights(`${name}/kernel`, [to, 3, 3, from], 9 * from);
    const output = builder.activation(name, [1, size, size, to]);
    const options = {
      ...window,
      ...fused,
      type: 'Conv2DOptions',
      strideW: stride,
      strideH: stride,
      quantizedBiasType: 0,
    } as const;
    builder.op('CONV_2D', [input, kernel], [output], options);
    return output;
  };
  const input = builder.activation('image', [1, 16, 16, 3]);
  const first = conv('first', input, 3, 8, 8, 2);
  const bounded = builder.activation('bounded', [1, 8, 8, 8]);
  builder.op('RELU6', [first], [bounded], null);
  const depthwise = builder.activation('depthwise', [1, 8, 8, 8]);
  builder.op(
    'DEPTHWISE_CONV_2D',
    [bounded, weights('depthwise/kernel', [1, 3, 3, 8], 9), weights('depthwise/bias', [8], 90)],
    [depthwise],
    {
      ...window,
      ...fused,
      type: 'DepthwiseConv2DOptions',
      strideW: 1,
      strideH: 1,
      depthMultiplier: 1,
    },
  );
  const sum = builder.activation('sum', [1, 8, 8, 8]);
  builder.op('ADD', [bounded, depthwise], [sum], { type: 'AddOptions', ...fused, potScaleInt16: true });
  const scaled = builder.activation('scaled', [1, 8, 8, 8]);
  builder.op('MUL', [sum, weights('gain', [1], 1)], [scaled], { type: 'MulOptions', ...fused });
  const pooled = builder.activation('pooled', [1, 4, 4, 8]);
  builder.op('AVERAGE_POOL_2D', [scaled], [pooled], {
    ...fused,
    type: 'Pool2DOptions',
    padding: paddings.VALID,
    strideW: 2,
    strideH: 2,
    filterWidth: 2,
    filterHeight: 2,
  });
  const other = conv('other', bounded, 8, 4, 4, 2);
  const joined = builder.activation('joined', [1, 4, 4, 12]);
  builder.op('CONCATENATION', [pooled, other], [joined], { type: 'ConcatenationOptions', axis: 3, ...fused });
  const padded = builder.activation('padded', [1, 6, 6, 12]);
  builder.op('PAD', [joined, builder.ints('margins', [4, 2], [0, 0, 1, 1, 1, 1, 0, 0])], [padded], {
    type: 'PadOptions',
  });
  const mean = builder.activation('mean', [1, 12]);
  builder.op('MEAN', [padded, builder.ints('axes', [2], [1, 2])], [mean], { type: 'ReducerOptions', keepDims: false });
  const squashed = builder.activation('squashed', [1, 12]);
  builder.op('TANH', [mean], [squashed], null);
  const dense = builder.activation('dense', [1, 5]);
  builder.op('FULLY_CONNECTED', [squashed, weights('dense/kernel', [5, 12], 1)], [dense], {
    ...fused,
    type: 'FullyConnectedOptions',
    weightsFormat: 0,
    keepNumDims: false,
    asymmetricQuantizeInputs: false,
    quantizedBiasType: 0,
  });
  const scores = builder.activation('scores', [1, 5]);
  builder.op('LOGISTIC', [dense], [scores], null);
  return verify(builder.build('residual', [input], [scores]), 'test');
}

function quantizeResidual(backend: 'auto' | 'wasm'): Promise<QuantizeResult> {
  return quantizeModel(
    {
      files: new Map([['residual.tflite', writeModel(writeTfLite(residualNet()))]]),
      photos: smoothPhotos(30, 1),
      heldOut: [],
      evalPhotos: smoothPhotos(30, 2),
      labels: [],
      pixels: '0..1',
      mode: 'full-integer',
      ranges: 'auto',
      inputType: 'uint8',
      outputType: 'uint8',
    },
    {
      signal: new AbortController().signal,
      nowMs: () => performance.now(),
      openModel: (bytes) => openModel(bytes, { backend, libraries }),
      onStage: () => undefined,
      onWarning: () => undefined,
    },
  );
}

describe('writeTfLite', () => {
  for (const backend of ['auto', 'wasm'] as const) {
    it(`writes branches, pools, means and joins that a runtime runs close to the float model (${backend})`, async () => {
      const { report } = await quantizeResidual(backend);
      assert.ok((report.eval?.meanAbsError ?? 1) < 0.02, JSON.stringify(report.eval));
      assert.deepEqual(
        report.ops.map(({ op, version, count }) => `${count} ${op} ${version}`),
        [
          '2 QUANTIZE 1',
          '2 CONV_2D 3',
          '1 DEPTHWISE_CONV_2D 3',
          '1 ADD 2',
          '1 AVERAGE_POOL_2D 2',
          '1 MUL 2',
          '1 CONCATENATION 2',
          '1 PAD 2',
          '1 MEAN 2',
          '1 TANH 2',
          '1 FULLY_CONNECTED 4',
          '1 LOGISTIC 2',
        ],
      );
      assert.equal(report.edgeTpu.onCpu, 0);
    });
  }
});

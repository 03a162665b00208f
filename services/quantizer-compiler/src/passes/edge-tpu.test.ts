import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { openModel } from '@atoll/runtime/open';
import { writeModel } from '@atoll/tflite/write';
import { quantizeModel } from '../compile.js';
import type { QuantizeResult } from '../compile.js';
import type { QuantizeMode } from '../quantize/modes.js';
import { smoothPhotos } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { Net } from './net-for-tests.js';

type Body = (net: Net, image: number) => number;

/** Convolution, batch normalization and RELU6, as MobileNets repeat them. */
function convBn(net: Net, name: string, input: number, filters: number, kernel: number, stride = 1): number {
  const conv = net.conv(`${name}/conv`, input, filters, { kernel, stride, padding: 'SAME', bias: false });
  return net.relu(name, net.batchNorm(`${name}/bn`, conv), 'RELU6');
}

function depthwiseBn(net: Net, name: string, input: number, stride = 1): number {
  const padded = stride === 1 ? input : net.pad(`${name}/pad`, input, [0, 1, 0, 1]);
  const padding = stride === 1 ? 'SAME' : 'VALID';
  const depthwise = net.depthwise(`${name}/depthwise`, padded, { stride, padding, bias: false });
  return net.relu(name, net.batchNorm(`${name}/bn`, depthwise), 'RELU6');
}

const mobileNetV1: Body = (net, image) => {
  let x = convBn(net, 'first', image, 8, 3, 2);
  for (const [name, filters, stride] of [
    ['a', 16, 1],
    ['b', 24, 2],
    ['c', 24, 1],
  ] as const) {
    x = convBn(net, name, depthwiseBn(net, `${name}/spread`, x, stride), filters, 1);
  }
  const pooled = net.op('pooled', 'MEAN', [x, net.builder.ints('axes', [2], [1, 2])], {
    type: 'ReducerOptions',
    keepDims: true,
  });
  return net.reshape('row', net.conv('classes', pooled, 5, { kernel: 1, padding: 'SAME' }), [1, 5]);
};

const mobileNetV2: Body = (net, image) => {
  let x = convBn(net, 'first', image, 8, 3, 2);
  for (const [name, stride, residual] of [
    ['a', 1, true],
    ['b', 2, false],
    ['c', 1, true],
  ] as const) {
    const spread = depthwiseBn(net, `${name}/spread`, convBn(net, `${name}/wide`, x, 32, 1), stride);
    const narrow = net.conv(`${name}/narrow`, spread, 8, { kernel: 1, bias: false });
    const normalized = net.batchNorm(`${name}/bn`, narrow);
    x = residual ? net.add(name, x, normalized) : normalized;
  }
  return net.dense('classes', net.mean('mean', convBn(net, 'last', x, 48, 1)), 5);
};

/** Batch normalization after the activation and before a pool, as beginners' networks have it, with a padded convolution next. */
const lateNormalization: Body = (net, image) => {
  let x = net.sub('centred', net.div('scaled', image, net.floats('half', [0.5])), net.floats('one', [1]));
  for (const name of ['a', 'b', 'c']) {
    const conv = net.conv(`${name}/conv`, x, 8, { padding: 'SAME', activation: 'RELU' });
    x = net.pool(name, 'MAX_POOL_2D', net.batchNorm(`${name}/bn`, conv, -0.5));
  }
  const hidden = net.relu('hidden', net.dense('hidden/linear', net.flatten('flat', x), 12));
  return net.dense('classes', net.batchNorm('hidden/bn', hidden), 5);
};

/** Batch normalization and ReLU before each convolution, and the sum read twice: nothing before can take it. */
const preActivation: Body = (net, image) => {
  let x = net.conv('first', image, 8, { padding: 'SAME', stride: 2 });
  for (const name of ['a', 'b']) {
    const active = net.relu(`${name}/relu`, net.batchNorm(`${name}/bn`, x));
    x = net.add(name, x, net.conv(`${name}/conv`, active, 8, { padding: 'SAME' }));
  }
  return net.dense('classes', net.mean('mean', x), 5);
};

/** A hard-swish, spelled as Keras' MobileNetV3 does. */
const spelledSwish: Body = (net, image) => {
  const x = net.conv('first', image, 8, { stride: 2 });
  const gate = net.relu('gate', net.add('shifted', x, net.floats('three', [3])), 'RELU6');
  const swish = net.mul('swish', x, net.mul('share', gate, net.floats('sixth', [1 / 6])));
  return net.dense('classes', net.mean('mean', swish), 5);
};

/** An encoder and decoder. */
const decoder: Body = (net, image) => {
  const narrow = convBn(net, 'narrow', convBn(net, 'first', image, 8, 3, 2), 12, 3, 2);
  const up = net.relu('up', net.batchNorm('up/bn', net.transposeConv('up/conv', narrow, 8, 2, false)));
  return net.dense('classes', net.mean('mean', up), 5);
};

const nets: readonly (readonly [string, Body, string])[] = [
  ['a MobileNetV1', mobileNetV1, '5 CONV_2D, 3 DEPTHWISE_CONV_2D, 1 MEAN, 1 RESHAPE, 1 SOFTMAX'],
  ['a MobileNetV2', mobileNetV2, '8 CONV_2D, 3 DEPTHWISE_CONV_2D, 2 ADD, 1 MEAN, 1 FULLY_CONNECTED, 1 SOFTMAX'],
  [
    'batch normalization after activations',
    lateNormalization,
    '4 DEPTHWISE_CONV_2D, 3 CONV_2D, 3 MAX_POOL_2D, 1 RESHAPE, 2 FULLY_CONNECTED, 1 SOFTMAX',
  ],
  [
    'batch normalization before activations',
    preActivation,
    '3 CONV_2D, 2 DEPTHWISE_CONV_2D, 2 ADD, 1 MEAN, 1 FULLY_CONNECTED, 1 SOFTMAX',
  ],
  ['a hard-swish in parts', spelledSwish, '1 CONV_2D, 1 ADD, 2 MUL, 1 MEAN, 1 FULLY_CONNECTED, 1 SOFTMAX'],
  ['an encoder and decoder', decoder, '2 CONV_2D, 1 TRANSPOSE_CONV, 1 RELU, 1 MEAN, 1 FULLY_CONNECTED, 1 SOFTMAX'],
];

function quantized(body: Body, mode: QuantizeMode): Promise<QuantizeResult> {
  const net = new Net(61);
  const graph = net.graph(net.softmax('scores', body(net, net.input('image', [1, 16, 16, 3]))));
  const border = mode === 'full-integer' ? 'uint8' : 'float32';
  return quantizeModel(
    {
      files: new Map([['net.tflite', writeModel(writeTfLite(graph))]]),
      mode,
      photos: smoothPhotos(12, 1),
      heldOut: [],
      evalPhotos: smoothPhotos(12, 2),
      labels: [],
      pixels: '0..1',
      ranges: 'minmax',
      inputType: border,
      outputType: border,
    },
    {
      signal: new AbortController().signal,
      nowMs: () => performance.now(),
      openModel: (bytes) => openModel(bytes, { backend: 'auto', libraries: cachePaths(process.env) }),
      onStage: () => undefined,
      onWarning: () => undefined,
    },
  );
}

const opsOf = ({ report }: QuantizeResult): string => report.ops.map(({ op, count }) => `${count} ${op}`).join(', ');

describe('what the passes leave maps to the Edge TPU', () => {
  for (const [name, body, expected] of nets) {
    it(name, async () => {
      const result = await quantized(body, 'full-integer');
      assert.equal(opsOf(result), `2 QUANTIZE, ${expected}`);
      assert.equal(result.report.edgeTpu.onCpu, 0);
      assert.ok((result.report.eval?.meanAbsError ?? 1) < 0.01, JSON.stringify(result.report.eval));
    });
  }

  it('a hard-swish is one operation where activations stay float', async () => {
    const result = await quantized(spelledSwish, 'dynamic-range');
    assert.match(opsOf(result), /1 HARD_SWISH/);
    assert.doesNotMatch(opsOf(result), /MUL|ADD/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chain, sketch } from './models-for-tests.js';
import type { OpSketch, TensorSketch } from './models-for-tests.js';
import { planEdgeTpu } from './plan.js';
import { mappingRules } from './rules.js';
import { statuses } from './status.js';

const image = (height: number, width = height, channels = 4): TensorSketch => ({ shape: [1, height, width, channels] });
const one = (op: string, more: Partial<OpSketch> = {}): OpSketch => ({ op, inputs: ['in'], outputs: ['out'], ...more });
const bilinear = (alignCorners = false): NonNullable<OpSketch['options']> => ({
  type: 'ResizeBilinearOptions',
  newHeight: 0,
  newWidth: 0,
  alignCorners,
  halfPixelCenters: false,
});

/** One operator a row, and the rule that keeps it off; null: it maps. */
const single: readonly (readonly [
  name: string,
  op: OpSketch,
  tensors: Readonly<Record<string, TensorSketch>>,
  rule: string | null,
])[] = [
  ['an addition', one('ADD', { inputs: ['in', 'in'] }), {}, null],
  ['float to int8', one('QUANTIZE'), { in: { type: 'float32' } }, 'float-boundary'],
  ['uint8 to int8', one('QUANTIZE'), { in: { type: 'uint8' } }, null],
  ['int8 to float', one('DEQUANTIZE'), { out: { type: 'float32' } }, 'eight-bit-only'],
  ['the place of the greatest', one('ARG_MAX'), { out: { type: 'int64' } }, 'eight-bit-only'],
  ['a leaky slope', one('LEAKY_RELU'), {}, 'unknown-op'],
  ['a custom operator', one('Atan'), {}, 'unknown-op'],
  ['an operator named like an inherited property', one('constructor'), {}, 'unknown-op'],
  ['a newer QUANTIZE', one('QUANTIZE', { version: 3 }), {}, 'refused-version'],
  ['half-pixel centres', one('RESIZE_NEAREST_NEIGHBOR', { version: 3 }), {}, 'refused-version'],
  ['a newer MEAN', one('MEAN', { version: 9 }), {}, 'op-version'],
  ['a batch of two', one('RELU'), { in: { shape: [2, 8, 8, 4] } }, 'three-dimensions'],
  ['five dimensions, two of them 1', one('RELU'), { in: { shape: [1, 1, 8, 8, 4] } }, null],
  ['a softmax over rows', one('SOFTMAX'), { in: { shape: [1, 3, 10] } }, 'softmax-size'],
  ['a softmax over 16,000', one('SOFTMAX'), { in: { shape: [1, 16_000] } }, null],
  ['a softmax over 16,001', one('SOFTMAX'), { in: { shape: [1, 16_001] } }, 'softmax-size'],
  [
    'a mean over channels',
    one('MEAN', { inputs: ['in', 'axes'] }),
    { axes: { ints: [3] }, in: image(8, 8, 6) },
    'mean-depth',
  ],
  [
    'a mean over 8 channels',
    one('MEAN', { inputs: ['in', 'axes'] }),
    { axes: { ints: [-1] }, in: image(8, 8, 8) },
    null,
  ],
  ['a mean over the batch', one('MEAN', { inputs: ['in', 'axes'] }), { axes: { ints: [0] } }, 'batch-axis'],
  [
    'a mean over 256x128',
    one('MEAN', { inputs: ['in', 'axes'] }),
    { axes: { ints: [1, 2] }, in: image(256, 128, 3), out: { shape: [1, 3] } },
    'large-mean',
  ],
  [
    'a pad of the batch',
    one('PAD', { inputs: ['in', 'pads'] }),
    { pads: { ints: [1, 0, 0, 0, 0, 0, 0, 0] } },
    'pad-batch',
  ],
  ['a pad of the rows', one('PAD', { inputs: ['in', 'pads'] }), { pads: { ints: [0, 0, 1, 1, 0, 0, 0, 0] } }, null],
  ['a split of the batch', one('SPLIT', { inputs: ['axis', 'in'] }), { axis: { ints: [0] } }, 'batch-split'],
  ['a split of the channels', one('SPLIT', { inputs: ['axis', 'in'] }), { axis: { ints: [3] } }, null],
  ['a squeeze within', one('SQUEEZE'), { in: { shape: [5, 1, 10] }, out: { shape: [5, 10] } }, 'leading-squeeze'],
  ['a squeeze in front', one('SQUEEZE'), { in: { shape: [1, 5, 10] }, out: { shape: [5, 10] } }, null],
  [
    'a slope a channel',
    one('PRELU', { inputs: ['in', 'slope'] }),
    { slope: { shape: [1, 1, 4], bytes: new Uint8Array(4) } },
    null,
  ],
  [
    'a slope a pixel',
    one('PRELU', { inputs: ['in', 'slope'] }),
    { slope: { shape: [8, 8, 4], bytes: new Uint8Array(256) } },
    'flat-prelu',
  ],
  [
    'a concatenation with zeros',
    one('CONCATENATION', { inputs: ['in', 'zeros'] }),
    { zeros: { bytes: new Uint8Array(256) } },
    null,
  ],
  [
    'a concatenation with ones',
    one('CONCATENATION', { inputs: ['in', 'ones'] }),
    { ones: { bytes: new Uint8Array(256).fill(1) } },
    'constant-concat',
  ],
  [
    'a pool with an activation in it',
    one('MAX_POOL_2D', {
      options: {
        type: 'Pool2DOptions',
        padding: 0,
        strideW: 2,
        strideH: 2,
        filterWidth: 2,
        filterHeight: 2,
        activation: 1,
      },
    }),
    {},
    'fused-activation',
  ],
  ['a doubling', one('RESIZE_BILINEAR', { options: bilinear() }), { in: image(16), out: image(32) }, null],
  [
    'a doubling of corners',
    one('RESIZE_BILINEAR', { options: bilinear(true) }),
    { in: image(33), out: image(65) },
    null,
  ],
  [
    'one pixel to many',
    one('RESIZE_BILINEAR', { options: bilinear(true) }),
    { in: image(1), out: image(33) },
    'far-resize',
  ],
  [
    'sixteen times',
    one('RESIZE_BILINEAR', { options: bilinear(true) }),
    { in: image(33), out: image(513) },
    'far-resize',
  ],
  ['256 to 512', one('RESIZE_BILINEAR', { options: bilinear() }), { in: image(256), out: image(512) }, 'large-resize'],
  ['a great reshape', one('RESHAPE', {}), { in: image(48, 48, 255), out: { shape: [1, 6912, 85] } }, 'large-reshape'],
  [
    'a reshape that was seen to map',
    one('RESHAPE', {}),
    { in: image(32, 32, 255), out: { shape: [1, 3072, 85] } },
    null,
  ],
];

describe('planEdgeTpu on one operator', () => {
  for (const [name, op, tensors, ruleId] of single) {
    it(`${name}: ${ruleId ?? 'maps'}`, () => {
      const [planned] = planEdgeTpu(sketch([op], tensors)).ops;
      assert.equal(planned?.ruleId, ruleId);
      assert.equal(planned.mapped, ruleId === null);
      const rule = mappingRules.find(({ id }) => id === ruleId);
      assert.equal(planned.status, rule?.status ?? statuses.mapped);
      assert.equal(
        planned.confidence,
        planned.verdict === 'uncertain' ? planned.confidence : (rule?.confidence ?? 'documented'),
      );
      assert.equal(planned.remedy === null, ruleId === null);
    });
  }

  it('says where it guesses, and what it guesses', () => {
    const guesses: readonly (readonly [OpSketch, Readonly<Record<string, TensorSketch>>, string, boolean])[] = [
      [one('RESIZE_BILINEAR', { options: bilinear() }), { in: image(10), out: image(30) }, 'resize-growth', true],
      [one('RESIZE_BILINEAR', { options: bilinear() }), { in: image(10), out: image(80) }, 'resize-growth', false],
      [one('RESIZE_BILINEAR', { options: bilinear() }), { in: image(100), out: image(200) }, 'resize-size', true],
      [one('RESHAPE'), { in: image(40, 40, 255), out: { shape: [1, 4800, 85] } }, 'reshape-size', true],
      [one('TILE', { inputs: ['in', 'times'] }), { times: { ints: [1, 2, 2, 1] } }, 'not-in-the-table', true],
      [one('TRANSPOSE', { inputs: ['in', 'order'] }), { order: { ints: [0, 3, 1, 2] } }, 'transpose-channels', true],
      [one('MEAN', { version: 9 }), {}, 'unseen-version', false],
    ];
    for (const [op, tensors, cautionId, mapped] of guesses) {
      const plan = planEdgeTpu(sketch([op], tensors));
      assert.deepEqual(
        plan.ops.map((planned) => [planned.verdict, planned.cautionId, planned.mapped]),
        [['uncertain', cautionId, mapped]],
      );
      assert.ok(plan.warnings.some((warning) => warning.includes(`is a guess (${cautionId})`)));
    }
  });
});

describe('planEdgeTpu on a graph', () => {
  it('lets operators that cannot map lead, ends at the first that follows, and loses all behind it', () => {
    const model = sketch(chain('ABS', 'RELU', 'RELU', 'LEAKY_RELU', 'RELU', 'ELU', 'RELU'));
    const { ops, partition, onEdgeTpu, onCpu, subgraphs } = planEdgeTpu(model);
    assert.deepEqual([onEdgeTpu, onCpu, subgraphs], [2, 5, 1]);
    assert.deepEqual(
      ops.map(({ status }) => status),
      [
        statuses.unsupported,
        statuses.mapped,
        statuses.mapped,
        statuses.unsupported,
        statuses.anotherSubgraph,
        statuses.unsupported,
        statuses.anotherSubgraph,
      ],
    );
    assert.deepEqual(partition, { index: 3, op: 'LEAKY_RELU', tensor: 't4', ruleId: 'unknown-op', lostOps: 2 });
  });

  it('keeps a branch that does not need the break', () => {
    const ops: OpSketch[] = [
      { op: 'RELU', inputs: ['in'], outputs: ['a'] },
      { op: 'ELU', inputs: ['a'], outputs: ['b'] },
      { op: 'RELU', inputs: ['b'], outputs: ['c'] },
      { op: 'RELU', inputs: ['a'], outputs: ['d'] },
      { op: 'ADD', inputs: ['c', 'd'], outputs: ['e'] },
    ];
    assert.deepEqual(
      planEdgeTpu(sketch(ops)).ops.map(({ mapped, verdict }) => [mapped, verdict]),
      [
        [true, 'maps'],
        [false, 'stays'],
        [false, 'stays'],
        [true, 'maps'],
        [false, 'stays'],
      ],
    );
  });

  it('guesses where a result of the CPU joins after the part has begun', () => {
    const ops: OpSketch[] = [
      { op: 'RELU', inputs: ['in'], outputs: ['a'] },
      { op: 'ELU', inputs: ['other'], outputs: ['b'] },
      { op: 'ADD', inputs: ['a', 'b'], outputs: ['c'] },
      { op: 'RELU', inputs: ['c'], outputs: ['d'] },
    ];
    assert.deepEqual(
      planEdgeTpu(sketch(ops)).ops.map(({ verdict, cautionId }) => [verdict, cautionId]),
      [
        ['maps', null],
        ['stays', null],
        ['uncertain', 'late-input'],
        ['uncertain', 'late-input'],
      ],
    );
    const [, , ...led] = planEdgeTpu(sketch([ops[1], ops[0], ops[2]].filter((op) => op !== undefined))).ops;
    assert.equal(led[0]?.verdict, 'maps');
  });

  it('ranks changes by what they gain, and says when only all of them together help', () => {
    const { advice } = planEdgeTpu(
      sketch(chain('RELU', 'LEAKY_RELU', 'RELU', 'RELU', 'LEAKY_RELU', 'ELU', 'RELU', 'RELU', 'RELU', 'RELU', 'RELU')),
    );
    assert.deepEqual(
      advice.map(({ kind, gain, ops }) => [kind, gain, ops]),
      [
        ['all', 10, [1, 4, 5]],
        ['change', 4, [1, 4]],
        ['cut', 2, [2, 3]],
        ['change', 0, [5]],
      ],
    );
    assert.match(
      advice[1]?.text ?? '',
      /^2 LEAKY_RELU, the first t2: in its place: RELU, or PRELU with one slope a channel$/,
    );
    assert.equal(advice[2]?.text, 'make tensor t2 an output, and compile what comes after it as a model of its own');
    assert.deepEqual(planEdgeTpu(sketch(chain('RELU', 'RELU'))).advice, []);
  });

  it('cuts at intermediate tensors, and knows which runtime an operator needs', () => {
    const model = sketch(chain('RELU', 'RELU', 'RSQRT', 'RELU'));
    const cut = planEdgeTpu(model, { minRuntimeVersion: 13, intermediateTensors: ['t2'] });
    assert.deepEqual([cut.onEdgeTpu, cut.partition?.ruleId, cut.partition?.lostOps], [2, 'intermediate-tensor', 1]);
    assert.match(cut.warnings.join(), /runtime 13 is asked for, .* came later: RSQRT \(14\)$/);
    assert.deepEqual(planEdgeTpu(model).warnings, []);
  });
});

describe('planEdgeTpu before the real compiler', () => {
  const dense = (scale: readonly number[], bias: readonly number[], inputs = 4): TensorSketches => ({
    in: { shape: [1, inputs] },
    weights: { shape: [2, inputs], bytes: new Uint8Array(2 * inputs), quantization: scales(scale) },
    bias: { ints: [0, 0], quantization: scales(bias) },
    out: { shape: [1, 2] },
  });
  type TensorSketches = Readonly<Record<string, TensorSketch>>;
  const scales = (scale: readonly number[]) => ({
    min: [],
    max: [],
    scale,
    zeroPoint: [0],
    dimension: 0,
    details: null,
  });
  const layer = one('FULLY_CONNECTED', { inputs: ['in', 'weights', 'bias'] });

  const findings: readonly (readonly [string, OpSketch, TensorSketches, RegExp])[] = [
    [
      'a size that is not fixed',
      one('RELU'),
      { in: { shapeSignature: [-1, 8, 8, 4] } },
      /^tensor in has a size .* batch size 1/,
    ],
    ['a batch', one('RELU'), { in: { shape: [4, 8, 8, 4] } }, /^input in has the batch size 4/],
    [
      'float throughout',
      one('RELU'),
      { in: { type: 'float32' }, out: { type: 'float32' } },
      /^the model computes in float/,
    ],
    ['a custom operator', one('Atan'), {}, /^Atan is a custom operator that the compiler does not know/],
    ['a bias of another scale', layer, dense([0.25], [0.2]), /^out: the scale of the bias is not that/],
    ['a scale an output', layer, dense([0.25, 0.5], [0.125, 0.25]), /^out: dense weights with one scale per output/],
    ['a wide dense layer', layer, dense([0.25], [0.125], 2000), /^out: a dense layer over 2000 inputs/],
    ['no scale', layer, { ...dense([0.25], [0.125]), out: { quantization: null } }, /^out: a tensor has no scale/],
    [
      'large activations',
      one('RELU'),
      { in: image(1024, 1024, 3), out: image(1024, 1024, 3) },
      /^out: its input and output take 6\.0 MiB/,
    ],
  ];
  for (const [name, op, tensors, finding] of findings) {
    it(`warns of ${name}`, () => {
      const { warnings } = planEdgeTpu(sketch([op], tensors));
      assert.match(warnings[0] ?? '', finding);
      assert.ok(warnings.every((warning) => !warning.includes('\n')));
    });
  }

  it('has nothing to say of a sound layer', () => {
    assert.deepEqual(planEdgeTpu(sketch([layer], dense([0.25], [0.125]))).warnings, []);
  });
});

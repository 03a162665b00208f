import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { importModel } from './import-model.js';
import { layersModelFiles } from './keras-files-for-tests.js';
import type { StoredWeight } from './keras-files-for-tests.js';
import { call, dense, functional, input, inside, layer, old, relu, tensor, weightsOf } from './topology-for-tests.js';
import type { Json } from './topology-for-tests.js';

async function printed(topology: Json, weights: readonly StoredWeight[] = []): Promise<string> {
  const text = printGraph(verify(await importModel(layersModelFiles(topology, weights)), 'import'));
  return text.replaceAll(/ \{[^}]*\}/g, '').replaceAll(':float32', '');
}

/** A model that calls one layer twice, and a nested one twice. */
const block = functional(
  'block',
  [input('x'), dense('dense', ['x']), layer('Add', 'sum', [old(['x'], ['dense'])])],
  [['x']],
  [['sum']],
);
const sharedInKeras2 = functional(
  'shared',
  [
    input('in'),
    layer('Dense', 'twice', [old(['in']), old(['twice'])], { units: 2 }),
    // Keras 2 counts the calls of a nested model from 1.
    inside(block, 'block', [old(['twice', 1]), old(['block', 1])]),
  ],
  [['in']],
  [
    ['block', 2],
    ['twice', 0],
  ],
);
const inKeras3 = (json: Json): Json => ({ ...json, module: 'keras.layers' });
const sharedInKeras3 = functional(
  'shared',
  [
    layer('InputLayer', 'in', [], { batch_shape: [null, 2] }),
    inKeras3(layer('Dense', 'twice', [call(tensor(['in'])), call(tensor(['twice']))], { units: 2 })),
    inside(block, 'block', [call(tensor(['twice', 1])), call(tensor(['block', 0]))]),
  ],
  [['in']],
  // But Keras 3 counts those of a nested model from 1 here.
  [
    ['block', 2],
    ['twice', 0],
  ],
);
const sharedText = `graph shared (in[1,2])
  twice[1,2] = FULLY_CONNECTED(in, twice/kernel[2,2], twice/bias[2])
  twice_1[1,2] = FULLY_CONNECTED(twice, twice/kernel[2,2], twice/bias[2])
  block/dense[1,2] = FULLY_CONNECTED(twice_1, block/dense/kernel[2,2], block/dense/bias[2])
  block/sum[1,2] = ADD(twice_1, block/dense)
  block/dense_1[1,2] = FULLY_CONNECTED(block/sum, block/dense/kernel[2,2], block/dense/bias[2])
  block/sum_1[1,2] = ADD(block/sum, block/dense_1)
  return block/sum_1, twice
`;

describe('graphOfKeras', () => {
  it('takes a constant that is written as lists in lists beside a value (Keras 2)', async () => {
    const pad = layer(
      'TFOpLambda',
      'pad',
      [
        [
          [
            'x',
            0,
            0,
            {
              paddings: [
                [0, 0],
                [1, 2],
              ],
              mode: 'CONSTANT',
            },
          ],
        ],
      ],
      {
        function: 'compat.v1.pad',
      },
    );
    const text = await printed(functional('padded', [input('x'), pad], [['x']], [['pad']]));
    assert.match(text, /pad\[1,5\] = PAD\(x, /);
  });

  it('uses the weights of a shared layer and of a shared model once (Keras 2)', async () => {
    assert.equal(await printed(sharedInKeras2, weightsOf('twice', 'dense')), sharedText);
  });

  it('reads the same model as Keras 3 writes it', async () => {
    assert.equal(await printed(sharedInKeras3, weightsOf('twice', 'dense')), sharedText);
  });

  it('takes several inputs and outputs in their order, and what a model with several outputs gives', async () => {
    const two = functional(
      'two',
      [input('p'), input('q'), relu('r', ['p']), relu('s', ['q'])],
      [['p'], ['q']],
      [['s'], ['r']],
    );
    const outer = functional(
      'outer',
      [
        input('a'),
        input('b'),
        inside(two, 'two', [old(['a'], ['b'])]),
        layer('Subtract', 'less', [old(['two', 1, 0], ['two', 1, 1])]),
      ],
      [['b'], ['a']],
      [['less'], ['two', 1, 1]],
    );
    assert.equal(
      await printed(outer),
      `graph outer (b[1,2], a[1,2])
  two/s[1,2] = RELU(b)
  two/r[1,2] = RELU(a)
  less[1,2] = SUB(two/s, two/r)
  return less, two/r
`,
    );
  });

  const chain = (config: Json, first: Json = {}): Json => ({
    class_name: 'Sequential',
    config: {
      name: 'chain',
      layers: [
        { class_name: 'ReLU', config: { name: 'relu', ...first } },
        { class_name: 'Dropout', config: { name: 'drop' } },
        {
          class_name: 'Sequential',
          config: { name: 'inner', layers: [{ class_name: 'Softmax', config: { name: 'soft' } }] },
        },
      ],
      ...config,
    },
  });
  const chainText = `graph chain (input[1,2])
  relu[1,2] = RELU(input)
  inner/soft[1,2] = SOFTMAX(relu)
  return inner/soft
`;
  for (const [how, topology] of [
    ['its first layer says', chain({}, { batch_input_shape: [null, 2] })],
    ['it was built with', chain({ build_input_shape: [null, 2] })],
    ['Keras 3 says', chain({}, { batch_shape: [null, 2] })],
  ] as const) {
    it(`takes a sequential model with the input shape that ${how}`, async () => {
      assert.equal(await printed(topology), chainText);
    });
  }

  it('takes a sequential model that begins with a nested one', async () => {
    const topology = {
      class_name: 'Sequential',
      config: { name: 'top', layers: [inside(block, 'block', []), { class_name: 'ReLU', config: { name: 'relu' } }] },
    };
    assert.match(
      await printed(topology, weightsOf('dense')),
      /block\/sum\[1,2\] = ADD\(input, block\/dense\)\n {2}relu/,
    );
  });

  it('leaves out layers that no output needs, and keeps the order of what it needs', async () => {
    const topology = functional(
      'm',
      [input('x'), relu('late', ['early']), relu('unused', ['x']), relu('early', ['x'])],
      [['x']],
      [['late']],
    );
    assert.equal(
      await printed(topology),
      'graph m (x[1,2])\n  early[1,2] = RELU(x)\n  late[1,2] = RELU(early)\n  return late\n',
    );
  });

  it('imports functions among the layers, of Keras 2 and of Keras 3', async () => {
    const lambda = (name: string, fn: string, nodes: readonly unknown[]): Json =>
      layer('TFOpLambda', name, nodes, { function: fn });
    const keras2 = functional(
      'f',
      [
        input('x'),
        lambda(
          'scale',
          'math.truediv',
          [['x', 0, 0, { y: 4, name: null }].slice(0, 4)].map((one) => [one]),
        ),
        lambda('from', 'math.subtract', [['_CONSTANT_VALUE', -1, 1, { y: ['scale', 0, 0], name: null }]]),
        lambda('times', 'math.multiply', [['from', 0, 0, { y: ['x', 0, 0], name: null }]]),
        lambda('join', 'concat', [
          [
            ['times', 0, 0, { axis: -1 }],
            ['x', 0, 0, { axis: -1 }],
          ],
        ]),
        layer(
          'SlicingOpLambda',
          'part',
          [
            [
              'join',
              0,
              0,
              {
                slice_spec: [
                  { start: null, stop: null, step: null },
                  { start: 1, stop: -1, step: null },
                ],
              },
            ],
          ],
          { function: '__operators__.getitem' },
        ),
      ],
      [['x']],
      [['part']],
    );
    const op = (className: string, name: string, node: Json, config: Json = {}): Json =>
      layer(className, name, [node], config, { module: 'keras.src.ops.numpy' });
    const keras3 = functional(
      'f',
      [
        layer('InputLayer', 'x', [], { batch_shape: [null, 2] }),
        op('TrueDivide', 'scale', call(tensor(['x']), 4)),
        op('Subtract', 'from', call(1, tensor(['scale']))),
        op('Multiply', 'times', call(tensor(['from']), tensor(['x']))),
        op('Concatenate', 'join', call([tensor(['times']), tensor(['x'])]), { axis: -1 }),
        op('GetItem', 'part', call(tensor(['join']), [slice(null, null), slice(1, -1)])),
      ],
      [['x']],
      [['part']],
    );
    const text = `graph f (x[1,2])
  scale[1,2] = MUL(x, scale/constant[1])
  from/mul[1,2] = MUL(scale, from/sign[1])
  from[1,2] = ADD(from/mul, from/constant[1])
  times[1,2] = MUL(from, x)
  join[1,4] = CONCATENATION(times, x)
  part[1,2] = SLICE(join, part/begin:int32[2], part/size:int32[2])
  return part
`;
    assert.equal(await printed(keras2), text);
    assert.equal(await printed(keras3), text);
  });
});

function slice(start: number | null, stop: number | null): Json {
  return { class_name: '__slice__', config: { start, stop, step: null } };
}

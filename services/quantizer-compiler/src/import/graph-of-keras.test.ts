import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { printGraph } from '../graph/print.js';
import { verify } from '../graph/verify.js';
import { importModel } from './import-model.js';
import { layersModelFiles } from './keras-files-for-tests.js';
import type { StoredWeight } from './keras-files-for-tests.js';

type Json = Readonly<Record<string, unknown>>;
type Ref = readonly [layer: string, call?: number, output?: number];

const old = (...refs: readonly Ref[]): unknown => refs.map(([name, call = 0, output = 0]) => [name, call, output, {}]);
const tensor = ([name, call = 0, output = 0]: Ref): Json => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 2], dtype: 'float32', keras_history: [name, call, output] },
});
const call = (...args: readonly unknown[]): Json => ({ args, kwargs: {} });
const layer = (
  className: string,
  name: string,
  nodes: readonly unknown[],
  config: Json = {},
  more: Json = {},
): Json => ({
  class_name: className,
  name,
  config: { name, ...config },
  inbound_nodes: nodes,
  ...more,
});
const input = (name: string, shape: readonly unknown[] = [null, 2]): Json =>
  layer('InputLayer', name, [], { batch_input_shape: shape });
const functional = (name: string, layers: readonly Json[], inputs: readonly Ref[], outputs: readonly Ref[]): Json => {
  const refs = (all: readonly Ref[]): unknown => all.map(([one, node = 0, output = 0]) => [one, node, output]);
  return {
    class_name: 'Functional',
    config: { name, layers, input_layers: refs(inputs), output_layers: refs(outputs) },
  };
};
const relu = (name: string, ...from: readonly Ref[]): Json =>
  layer(
    'ReLU',
    name,
    from.map((one) => old(one)),
  );
/** A nested model as a layer of another. */
const inside = (model: Json, name: string, nodes: readonly unknown[]): Json => ({
  ...model,
  name,
  config: { ...(model['config'] as Json), name },
  inbound_nodes: nodes,
});
const dense = (name: string, from: Ref): Json => layer('Dense', name, [old(from)], { units: 2 });
const weightsOf = (...names: readonly string[]): readonly StoredWeight[] =>
  names.flatMap((name) => [
    { layer: name, name: 'kernel', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    { layer: name, name: 'bias', shape: [2], data: Float32Array.of(0, 0) },
  ]);

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

describe('graphOfKeras refuses', () => {
  const nestedDeeply = (depth: number): Json =>
    depth === 0
      ? { class_name: 'ReLU', config: { name: 'relu' } }
      : { class_name: 'Sequential', config: { name: `level_${depth}`, layers: [nestedDeeply(depth - 1)] } };
  /** Every model calls the one inside of it ten times. */
  const nestedWidely = (depth: number): Json => {
    const inner = depth === 0 ? relu('inner') : { ...nestedWidely(depth - 1), name: 'inner' };
    const nodes = Array.from({ length: 10 }, (_, index) => old(index === 0 ? ['x'] : ['inner', index]));
    const calls = depth === 0 ? nodes.map((_, index) => old(index === 0 ? ['x'] : ['inner', index - 1])) : nodes;
    return functional(
      'wide',
      [input('x'), { ...inner, inbound_nodes: calls }],
      [['x']],
      [['inner', depth === 0 ? 9 : 10]],
    );
  };
  const refusals: readonly (readonly [string, Json, RegExp])[] = [
    [
      'a model of another class',
      { class_name: 'MyModel', config: { layers: [] } },
      /it is of class "MyModel"; a Sequential or Functional/,
    ],
    ['no topology', {}, /it names no class/],
    ['no layers', { class_name: 'Sequential', config: { layers: [] } }, /its topology lists no layers/],
    [
      'a cycle',
      functional('m', [input('x'), layer('Add', 'a', [old(['x'], ['b'])]), relu('b', ['a'])], [['x']], [['b']]),
      /layer b depends on its own output/,
    ],
    [
      'a missing layer',
      functional('m', [input('x'), relu('a', ['gone'])], [['x']], [['a']]),
      /layer a \(ReLU\) takes a value of layer "gone", which does not exist/,
    ],
    [
      'a missing call',
      functional('m', [input('x'), relu('a', ['x', 3])], [['x']], [['a']]),
      /takes a value of layer "x", which does not exist/,
    ],
    [
      'a missing output',
      functional('m', [input('x'), relu('a', ['x']), relu('b', ['a', 0, 1])], [['x']], [['b']]),
      /takes output 1 of layer "a"/,
    ],
    [
      'a missing end',
      functional('m', [input('x'), relu('a', ['x'])], [['x']], [['z']]),
      /the model takes a value of layer "z", which does not exist/,
    ],
    [
      'two layers of one name',
      functional('m', [input('x'), relu('a', ['x']), relu('a', ['x'])], [['x']], [['a']]),
      /it has two layers named "a"/,
    ],
    [
      'an input that is none',
      functional('m', [input('x'), relu('a', ['x'])], [['a']], [['a']]),
      /has the input "a", which is no input layer/,
    ],
    ['a model that does nothing', functional('m', [input('x')], [['x']], [['x']]), /it gives an input back unchanged/],
    [
      'an unknown way of calling',
      functional('m', [input('x'), layer('ReLU', 'a', [7])], [['x']], [['a']]),
      /layer a \(ReLU\) is called in an unknown way/,
    ],
    [
      'too many values',
      functional('m', [input('x'), layer('ReLU', 'a', [old(['x'], ['x'])])], [['x']], [['a']]),
      /layer a \(ReLU\) is given 2 values; it takes one/,
    ],
    [
      'an open size',
      functional('m', [input('x', [null, null, 3]), relu('a', ['x'])], [['x']], [['a']]),
      /layer x \(InputLayer\) has the input shape \[null,null,3\]/,
    ],
    [
      'a huge input',
      functional('m', [input('x', [null, 1e9, 1e9]), relu('a', ['x'])], [['x']], [['a']]),
      /one to four sizes of 2\^28 values/,
    ],
    [
      'a layer inside, by its path',
      functional(
        'm',
        [
          input('x'),
          inside(functional('n', [input('y'), layer('Lambda', 'odd', [old(['y'])])], [['y']], [['odd']]), 'block', [
            old(['x']),
          ]),
        ],
        [['x']],
        [['block', 1]],
      ),
      /layer block\/odd \(Lambda\) is not supported/,
    ],
    [
      'a nested model that is given too little',
      functional(
        'm',
        [
          input('x'),
          inside(
            functional(
              'n',
              [input('y'), input('z'), layer('Add', 'sum', [old(['y'], ['z'])])],
              [['y'], ['z']],
              [['sum']],
            ),
            'block',
            [old(['x'])],
          ),
        ],
        [['x']],
        [['block', 1]],
      ),
      /layer block \(Functional\) takes 2 values and is given 1/,
    ],
    ['deep nesting', nestedDeeply(40), /lies in more than 16 others/],
    ['nesting that multiplies', nestedWidely(8), /calls layers more than 20000 times|larger than 200000 tensors/],
    [
      'settings in settings without end',
      { class_name: 'Sequential', config: { layers: deepList(400) } },
      /nests deeper than 256 levels/,
    ],
    [
      'an unknown function',
      functional(
        'm',
        [input('x'), layer('TFOpLambda', 'f', [['x', 0, 0, {}]], { function: 'math.erf' })],
        [['x']],
        [['f']],
      ),
      /layer f \(TFOpLambda\) calls "math.erf", which is not supported; these functions are: add/,
    ],
    [
      'a layer called with more than values',
      functional('m', [input('x'), layer('ReLU', 'a', [[['x', 0, 0, { training: true }]]])], [['x']], [['a']]),
      /layer a \(ReLU\) is called with training, which is not supported/,
    ],
  ];
  for (const [name, topology, message] of refusals) {
    it(`${name}: ${String(message)}`, async () => {
      await assert.rejects(
        importModel(layersModelFiles(topology, [])),
        (error) =>
          isAtollError(error, 'INVALID_ARGUMENT') &&
          message.test(error.message) &&
          error.message.startsWith('cannot import model.json: '),
      );
    });
  }
});

function deepList(depth: number): unknown {
  return depth === 0 ? [] : [deepList(depth - 1)];
}

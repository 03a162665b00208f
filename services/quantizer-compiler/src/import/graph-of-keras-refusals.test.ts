import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { importModel } from './import-model.js';
import { layersModelFiles } from './keras-files-for-tests.js';
import { functional, input, inside, layer, old, relu } from './topology-for-tests.js';
import type { Json } from './topology-for-tests.js';

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

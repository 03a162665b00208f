import { describe } from 'node:test';
import { itGives, lstmWeights, sigmoid } from './layer-case-for-tests.js';
import type { LayerCase } from './layer-case-for-tests.js';
import type { TestWeights } from './layer-for-tests.js';

/** One unit over two steps, gate by gate with plain numbers. */
const sequence = [[2, 1]];
const steps = [[1, 2]];
function lstmOf(inputs: readonly number[]): number[] {
  let [h, c] = [0, 0];
  return inputs.map((x) => {
    const i = sigmoid(0.5 * x + 0.1 * h + 0.1);
    const f = sigmoid(0.25 * x + 0.2 * h + 1);
    const g = Math.tanh(x + 0.3 * h);
    const o = sigmoid(-0.5 * x + 0.4 * h + 0.2);
    c = f * c + i * g;
    h = o * Math.tanh(c);
    return h;
  });
}
function gruOf(inputs: readonly number[]): number {
  return inputs.reduce((h, x) => {
    const z = sigmoid(0.5 * x + 0.1 + 0.1 * h + 0.4);
    const r = sigmoid(0.25 * x + 0.2 + 0.2 * h + 0.5);
    const n = Math.tanh(x + 0.3 + r * (0.3 * h + 0.6));
    return z * h + (1 - z) * n;
  }, 0);
}
const [h1 = 0, h2 = 0] = lstmOf([1, 2]);
const both: TestWeights = Object.fromEntries(
  ['forward_lstm', 'backward_lstm'].flatMap((side) =>
    Object.entries(lstmWeights).map(([name, weight]) => [`${side}/lstm_cell/${name}`, weight] as const),
  ),
);
const rnnWeights: TestWeights = { kernel: [[1, 1], [0.5]], recurrent_kernel: [[1, 1], [0.3]], bias: [[1], [0.1]] };
const bothWays: TestWeights = Object.fromEntries(
  ['forward_rnn', 'backward_rnn'].flatMap((side) =>
    Object.entries(rnnWeights).map(([name, weight]) => [`${side}/cell/${name}`, weight] as const),
  ),
);
const recurrent: readonly LayerCase[] = [
  ['LSTM', { units: 1 }, sequence, steps, lstmWeights, '1,1', [h2]],
  ['LSTM', { units: 1, return_sequences: true }, sequence, steps, lstmWeights, '1,2,1', [h1, h2]],
  ['LSTM', { units: 1, go_backwards: true }, sequence, steps, lstmWeights, '1,1', [lstmOf([2, 1])[1] ?? 0]],
  [
    'GRU',
    { units: 1 },
    sequence,
    steps,
    {
      kernel: [
        [1, 3],
        [0.5, 0.25, 1],
      ],
      recurrent_kernel: [
        [1, 3],
        [0.1, 0.2, 0.3],
      ],
      bias: [
        [2, 3],
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      ],
    },
    '1,1',
    [gruOf([1, 2])],
  ],
  ['SimpleRNN', { units: 1 }, sequence, steps, rnnWeights, '1,1', [Math.tanh(1.1 + 0.3 * Math.tanh(0.6))]],
  [
    'Bidirectional',
    { layer: { class_name: 'LSTM', config: { units: 1, return_sequences: true } } },
    sequence,
    steps,
    both,
    '1,2,2',
    [h1, lstmOf([2, 1])[1] ?? 0, h2, lstmOf([2, 1])[0] ?? 0],
  ],
  [
    'Bidirectional',
    {
      layer: { class_name: 'SimpleRNN', config: { units: 1 } },
      backward_layer: { class_name: 'SimpleRNN', config: { units: 1, activation: 'relu', go_backwards: true } },
    },
    sequence,
    steps,
    bothWays,
    '1,2',
    [Math.tanh(1.1 + 0.3 * Math.tanh(0.6)), 0.6 + 0.3 * 1.1],
  ],
];

describe('a recurrent layer gives what its formula gives', () => itGives(recurrent));

// Graphs drawn at random from what shares scales, what joins and what requantizes, in whatever order: each must load on every runtime,
// whose kernels check that scales agree, and answer as the float graph does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import { picture, tinyModel } from '../ops-for-tests.js';
import type { TinyModel, Tools } from '../ops-for-tests.js';
import { seededRandom } from '../test-models.js';
import { machines, meanErrors, reference } from './int8-runs-for-tests.js';

const activation = activations.NONE;
const pool = {
  type: 'Pool2DOptions',
  padding: paddings.SAME,
  strideW: 1,
  strideH: 1,
  filterWidth: 3,
  filterHeight: 3,
  activation,
} as const;

type Step = (tools: Tools, x: number, y: number) => readonly number[];

const first = (values: readonly number[]): number => values[0] ?? -1;
const halves = ({ emit, ints }: Tools, x: number): readonly number[] =>
  emit('SPLIT', [ints(3), x], { type: 'SplitOptions', numSplits: 2 });
const joined = ({ emit }: Tools, values: readonly number[]): number =>
  first(emit('CONCATENATION', values, { type: 'ConcatenationOptions', axis: 3, activation }));

/** Each takes one or two images of one shape and gives images of that shape. */
const steps: readonly Step[] = [
  ({ emit }, x) => emit('RELU', [x]),
  ({ emit }, x) => emit('TANH', [x]),
  ({ emit }, x) => emit('LOGISTIC', [x]),
  ({ emit }, x) => emit('LEAKY_RELU', [x], { type: 'LeakyReluOptions', alpha: 0.3 }),
  ({ emit }, x, y) => emit('ADD', [x, y], { type: 'AddOptions', activation, potScaleInt16: false }),
  ({ emit }, x, y) => emit('SUB', [x, y], { type: 'SubOptions', activation, potScaleInt16: false }),
  ({ emit }, x, y) => emit('MUL', [x, y], { type: 'MulOptions', activation }),
  ({ emit, constant }, x) => emit('MUL', [x, constant(0.5, -1, 2, 1)], { type: 'MulOptions', activation }),
  ({ emit }, x, y) => emit('MAXIMUM', [x, y], { type: 'MaximumMinimumOptions' }),
  ({ emit, constant }, x) => emit('MINIMUM', [x, constant(0.25)], { type: 'MaximumMinimumOptions' }),
  ({ emit }, x) => emit('MAX_POOL_2D', [x], pool),
  ({ emit }, x) => emit('AVERAGE_POOL_2D', [x], pool),
  (tools, x, y) => halves(tools, joined(tools, [x, y])),
  (tools, x) => [joined(tools, halves(tools, x).toReversed())],
  (tools, x, y) => [joined(tools, [first(halves(tools, x)), first(halves(tools, y).slice(1))])],
  ({ emit }, x, y) => {
    const both = emit('PACK', [x, y], { type: 'PackOptions', valuesCount: 2, axis: 1 });
    return emit('UNPACK', both, { type: 'UnpackOptions', num: 2, axis: 1 });
  },
  ({ emit, margins, constant, ints }, x) => {
    const wide = emit('PADV2', [x, margins(0, 0, 1, 0, 1, 0, 0, 0), constant(0.1)], { type: 'PadV2Options' });
    return emit('SLICE', [...wide, ints(0, 0, 0, 0), ints(1, 8, 8, 4)], { type: 'SliceOptions' });
  },
];

function randomModel(seed: number): TinyModel {
  const random = seededRandom(seed);
  return tinyModel(`seed ${seed}`, [picture, { ...picture, min: -3, max: 1 }], '', (tools, inputs) => {
    const made = [...inputs];
    const any = (): number => made[Math.floor(random() * made.length)] ?? -1;
    for (let count = 0; count < 9; count++) {
      const step = steps[Math.floor(random() * steps.length)];
      made.push(...(step?.(tools, any(), any()) ?? []));
    }
    return made.slice(-2);
  });
}

describe('graphs drawn at random', async () => {
  const models = Array.from({ length: 32 }, (_, seed) => randomModel(seed + 1));
  const given = await reference(models);
  for (const { name, skip, open } of machines) {
    it(`load and answer as the float graphs do on ${name}`, { skip }, async (t) => {
      const errors = await meanErrors(open, given, 'uint8');
      for (const model of models) {
        await t.test(model.name, () => {
          const own = [...errors].filter(([output]) => output.startsWith(`${model.name}/`));
          assert.equal(own.length, model.graph.outputs.length);
          for (const [output, error] of own) assert.ok(error < 4, `${output}: ${error} steps`);
        });
      }
    });
  }
});

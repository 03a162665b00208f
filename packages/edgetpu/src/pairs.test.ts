// The planner against Google's own compiler: four models and what it made of them, operator by operator.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { mainSubgraph, operatorName } from '@atoll/tflite/model';
import type { Operator, TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { compiledFate } from './compare-compiled.js';
import { edgeTpuOp, inspectEdgeTpu } from './inspect.js';
import { planEdgeTpu } from './plan.js';

const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const load = (name: string): TfLiteModel => readModel(readFileSync(join(coral, `${name}.tflite`)), name);

/** Operators, those left to the CPU, outputs of the compiled part, and parameter bytes: cached, streamed. */
const pairs: readonly (readonly [name: string, ops: number, cpu: number, outputs: number, on: number, off: number])[] =
  [
    ['mobilenet_v1_0.25_128_quant', 31, 0, 1, 566_912, 0],
    ['deeplabv3_mnv2_dm05_pascal_quant', 72, 8, 2, 766_720, 0],
    ['keras_lstm_mnist_ptq', 6, 0, 1, 43_968, 576],
    ['split_concat', 3, 0, 5, 192, 0],
  ];

function namesOf(model: TfLiteModel, indices: readonly number[]): readonly string[] {
  return indices.map((index) => mainSubgraph(model).tensors[index]?.name ?? 'none');
}

function compiledPart(model: TfLiteModel): Operator {
  const found = mainSubgraph(model).operators.find((operator) => operatorName(model, operator) === edgeTpuOp);
  assert.ok(found !== undefined);
  return found;
}

describe('planEdgeTpu against files made by the real compiler', { skip }, () => {
  for (const [name, ops, cpu, outputs, on, off] of pairs) {
    it(`${name}: every operator's verdict is what became of it, none is a guess`, () => {
      const original = load(name);
      const twin = load(`${name}_edgetpu`);
      const fate = compiledFate(original, [twin]);
      assert.deepEqual(fate.strangers, []);
      assert.equal(fate.mapped.length, ops);
      assert.equal(fate.mapped.filter((mapped) => !mapped).length, cpu);
      assert.equal(mainSubgraph(twin).operators.length, cpu + 1);
      const plan = planEdgeTpu(original);
      assert.deepEqual(
        plan.ops.map(({ index, op, tensor, verdict }) => `${index} ${op} ${tensor}: ${verdict}`),
        plan.ops.map(
          ({ index, op, tensor }) => `${index} ${op} ${tensor}: ${fate.mapped[index] === true ? 'maps' : 'stays'}`,
        ),
      );
      assert.deepEqual([plan.onEdgeTpu, plan.onCpu, plan.subgraphs], [ops - cpu, cpu, 1]);
    });

    it(`${name}: what the plan maps has the borders of the compiled part`, () => {
      // A second reading of the twin that does not rest on its CPU operators: its custom operator takes and gives exactly what
      // flows into and out of the planned part.
      const original = load(name);
      const twin = load(`${name}_edgetpu`);
      const part = compiledPart(twin);
      const { operators, tensors, outputs: modelOutputs } = mainSubgraph(original);
      const mapped = new Set(planEdgeTpu(original).ops.flatMap((op) => (op.mapped ? [op.index] : [])));
      const inside = operators.filter((_, index) => mapped.has(index));
      const outside = operators.filter((_, index) => !mapped.has(index));
      const made = new Set(inside.flatMap((operator) => operator.outputs));
      const data = (index: number): number => original.buffers[tensors[index]?.buffer ?? 0]?.length ?? 0;
      const taken = new Set(
        inside.flatMap(({ inputs }) => inputs).filter((at) => at >= 0 && !made.has(at) && data(at) === 0),
      );
      const wanted = new Set([...modelOutputs, ...outside.flatMap(({ inputs }) => inputs)]);
      const given = [...made].filter((index) => wanted.has(index));
      assert.deepEqual(namesOf(twin, part.inputs).toSorted(), namesOf(original, [...taken]).toSorted());
      assert.deepEqual(namesOf(twin, part.outputs).toSorted(), namesOf(original, given).toSorted());
      assert.equal(part.outputs.length, outputs);
    });

    it(`${name}: parameter bytes are those of the file, and the estimate's bounds hold them`, () => {
      const compiled = inspectEdgeTpu(load(`${name}_edgetpu`));
      assert.deepEqual([compiled?.onChipBytes, compiled?.offChipBytes], [on, off]);
      const { low, high, estimate } = planEdgeTpu(load(name)).parameterBytes;
      assert.ok(low <= on + off && on + off <= high, `${low}..${high} does not hold ${on + off}`);
      if (on + off > 500_000) assert.ok(Math.abs(estimate / (on + off) - 1) < 0.06, `${estimate} of ${on + off}`);
    });
  }

  for (const [name] of pairs) {
    it(`${name}: a damaged file is refused or planned, never a crash (seed 5)`, () => {
      const whole = readFileSync(join(coral, `${name}.tflite`));
      let state = 5;
      const below = (limit: number): number =>
        Math.floor(((state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32) * limit);
      for (let round = 0; round < 150; round++) {
        const bytes = Uint8Array.from(whole);
        for (let hits = 1 + below(6); hits > 0; hits--) {
          // Tables lie at both ends of these files, weights in the middle.
          const at = below(2) === 0 ? below(4096) % bytes.length : bytes.length - 1 - (below(16_384) % bytes.length);
          bytes[at] = below(256);
        }
        try {
          const plan = planEdgeTpu(readModel(bytes, 'x.tflite'));
          assert.equal(plan.onEdgeTpu + plan.onCpu, plan.ops.length);
          assert.ok([...plan.warnings, ...plan.advice.map(({ text }) => text)].every((line) => !/[\n\r]/.test(line)));
        } catch (error) {
          assert.ok(isAtollError(error), `round ${round}: ${String(error)}`);
        }
      }
    });
  }

  it('a post-training quantized MobileNetV2 with integer input and output maps whole', () => {
    const plan = planEdgeTpu(load('tf2_mobilenet_v2_1.0_224_ptq'));
    assert.deepEqual([plan.onCpu, plan.warnings, plan.advice, plan.partition], [0, [], [], null]);
    assert.ok(plan.ops.every(({ verdict }) => verdict === 'maps'));
  });

  it('says where DeepLab breaks, why, and what would map more', () => {
    const { partition, advice, ops } = planEdgeTpu(load('deeplabv3_mnv2_dm05_pascal_quant'));
    assert.deepEqual(partition, {
      index: 64,
      op: 'RESIZE_BILINEAR',
      tensor: 'ResizeBilinear',
      ruleId: 'far-resize',
      lostOps: 5,
    });
    assert.deepEqual(
      advice.map(({ kind, gain }) => [kind, gain]),
      [
        ['all', 8],
        ['change', 7],
        ['cut', 5],
        ['change', 0],
      ],
    );
    assert.match(ops[64]?.status ?? '', /unspecified limitation/);
    assert.equal(ops.at(-1)?.status, 'Operation is working on an unsupported data type');
  });
});

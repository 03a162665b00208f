// Tiny models run as int8 and as float, for the tests: the float answers to drawn inputs, the parameters that follow from them, and
// how far the int8 model is off on a runtime, in its own steps.
import { existsSync } from 'node:fs';
import { cachePaths } from '@atoll/base/cache';
import { openLiteRt } from '@atoll/runtime/litert';
import type { LoadedModel } from '@atoll/runtime/model';
import { openTfLite } from '@atoll/runtime/tflite';
import { openWasm } from '@atoll/runtime/wasm';
import { writeModel } from '@atoll/tflite/write';
import { elementCount } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { verify } from '../graph/verify.js';
import { sideBySide } from '../ops-for-tests.js';
import type { TinyModel } from '../ops-for-tests.js';
import { realsOf } from '../run/run-model.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { assignParams } from './assign.js';
import type { Assignment } from './assign.js';
import type { BorderType } from './borders.js';
import { activationParams, quantizeInt8 } from './params.js';
import { quantizeGraph } from './quantize.js';

const { liteRt, tfLite } = cachePaths(process.env);
const remedy = 'is not in the cache; npm start or npm test fetches it';

/** A runtime to test on. */
export interface Machine {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (bytes: Uint8Array) => LoadedModel | Promise<LoadedModel>;
  readonly borders: readonly BorderType[];
  /** The release of TensorFlow Lite that it is; an operator that is newer must be refused by name, not answered wrongly. */
  readonly release: string;
}

const newest = '99.0.0';

/** The runtimes. */
export const machines: readonly Machine[] = [
  {
    name: 'LiteRT',
    skip: !existsSync(liteRt) && `LiteRT ${remedy}`,
    open: (bytes) => openLiteRt(bytes, liteRt, 1),
    borders: ['uint8', 'int8', 'float32'],
    release: newest,
  },
  {
    name: 'TFLite 2.9',
    skip: !existsSync(tfLite) && `TFLite ${remedy}`,
    open: (bytes) => openTfLite(bytes, tfLite, 1),
    borders: ['uint8', 'int8', 'float32'],
    release: '2.9.0',
  },
  { name: 'wasm', skip: false, open: openWasm, borders: ['uint8', 'float32'], release: newest },
];

const samples = 12;

/** The models in one graph, the float answers to a few drawn inputs, and the parameters that follow. */
export interface Reference {
  readonly graph: Graph;
  readonly assigned: Assignment;
  /** Inputs as 8-bit steps, sample by sample. */
  readonly steps: readonly (readonly Uint8Array[])[];
  /** The reals that the steps stand for. */
  readonly reals: readonly (readonly Uint8Array[])[];
  /** Answers of the float model by the name of the output. */
  readonly answers: readonly ReadonlyMap<string, Float32Array>[];
}

/** Runs the float models. */
export async function reference(models: readonly TinyModel[]): Promise<Reference> {
  const graph = verify(sideBySide(models), 'test');
  const params = models.flatMap(({ inputs }) => inputs.map(({ min, max }) => activationParams({ min, max })));
  const random = seededRandom(7);
  const steps = Array.from({ length: samples }, () =>
    models.flatMap(({ inputs }) =>
      inputs.map(({ shape, min, max }) => {
        const drawn = Float32Array.from({ length: elementCount(shape) }, () => min + (max - min) * random());
        return Uint8Array.from(quantizeInt8(drawn, activationParams({ min, max })), (step) => step + 128);
      }),
    ),
  );
  const reals = steps.map((inputs) =>
    inputs.map((bytes, at) => {
      const { scale: [scale = 1] = [], zeroPoint: [zeroPoint = 0] = [] } = params[at] ?? {};
      return new Uint8Array(Float32Array.from(bytes, (step) => scale * (step - 128 - zeroPoint)).buffer);
    }),
  );
  const observed = { ...graph, outputs: graph.ops.flatMap(({ outputs }) => outputs) };
  const float = await openWasm(writeModel(writeTfLite(observed)));
  const answers: Map<string, Float32Array>[] = [];
  for (const inputs of reals) {
    const outputs = await float.run(inputs);
    answers.push(new Map(float.outputs.map((spec, at) => [spec.name, realsOf(outputs[at] ?? new Uint8Array(), spec)])));
  }
  await float.close();
  const ranges = new Map(
    float.outputs.map(({ name }) => {
      const all = answers.flatMap((answer) => [...(answer.get(name) ?? [])]);
      return [name, { min: Math.min(...all), max: Math.max(...all) }];
    }),
  );
  const inputs = new Map(graph.inputs.map((index, at) => [index, params[at] ?? activationParams({ min: 0, max: 1 })]));
  return { graph, assigned: assignParams(graph, ranges, inputs), steps, reals, answers };
}

/** The int8 graph of the models. */
export function quantized({ graph, assigned }: Reference, border: BorderType): Graph {
  return verify(quantizeGraph(graph, assigned, { inputType: border, outputType: border }).graph, 'quantize');
}

/** Mean error of each output of the int8 model, in its own steps, by name. */
export async function meanErrors(
  open: Machine['open'],
  given: Reference,
  border: BorderType,
): Promise<ReadonlyMap<string, number>> {
  const machine = await open(writeModel(writeTfLite(quantized(given, border))));
  const sums = new Map<string, number>();
  for (let sample = 0; sample < samples; sample++) {
    const steps = given.steps[sample] ?? [];
    const bytes =
      border === 'float32'
        ? given.reals[sample]
        : border === 'uint8'
          ? steps
          : steps.map((one) => one.map((step) => step ^ 0x80));
    const outputs = await machine.run(bytes ?? []);
    machine.outputs.forEach((spec, at) => {
      const index = given.graph.values.findIndex(({ name }) => name === spec.name);
      const step = given.assigned.get(index)?.scale[0] ?? 1;
      const float = given.answers[sample]?.get(spec.name) ?? new Float32Array();
      const actual = realsOf(outputs[at] ?? new Uint8Array(), spec);
      const sum = actual.reduce((total, value, place) => total + Math.abs(value - (float[place] ?? Number.NaN)), 0);
      sums.set(spec.name, (sums.get(spec.name) ?? 0) + sum / step / actual.length / samples);
    });
  }
  await machine.close();
  return sums;
}

// Every operation that quantizes, on every runtime: the int8 model must answer as the float model does, within its own steps.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { isAtollError } from '@atoll/base/error';
import { openLiteRt } from '@atoll/runtime/litert';
import type { LoadedModel } from '@atoll/runtime/model';
import { openTfLite } from '@atoll/runtime/tflite';
import { openWasm } from '@atoll/runtime/wasm';
import { operatorName } from '@atoll/tflite/model';
import { isNewerRuntime, runtimeSince } from '@atoll/tflite/op-versions';
import { writeModel } from '@atoll/tflite/write';
import { realsOf } from '../run/run-model.js';
import { elementCount } from '../graph/graph.js';
import type { Graph } from '../graph/graph.js';
import { opTable, supportedOps } from '../graph/op-table.js';
import { verify } from '../graph/verify.js';
import { sideBySide, tinyModels } from '../ops-for-tests.js';
import type { TinyModel } from '../ops-for-tests.js';
import { seededRandom } from '../test-models.js';
import { writeTfLite } from '../write/write-tflite.js';
import { assignParams } from './assign.js';
import type { Assignment } from './assign.js';
import type { BorderType } from './borders.js';
import { activationParams, quantizeInt8 } from './params.js';
import { quantizeGraph } from './quantize.js';

const { liteRt, tfLite } = cachePaths(process.env);
const remedy = 'is not in the cache; npm start or npm test fetches it';

interface Machine {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (bytes: Uint8Array) => LoadedModel | Promise<LoadedModel>;
  readonly borders: readonly BorderType[];
  /** The release of TensorFlow Lite that it is; an operator that is newer must be refused by name, not answered wrongly. */
  readonly release: string;
}

const newest = '99.0.0';

const machines: readonly Machine[] = [
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

/** Whether the runtime has the operators of a model in the versions that int8 needs. */
function isKnown(model: TinyModel, release: string): boolean {
  return model.versions.split(', ').every((use) => {
    const [name = '', version] = use.split(' ');
    const kind = supportedOps.find((one) => one === name);
    return kind !== undefined && !isNewerRuntime(runtimeSince(kind, Number(version)), release);
  });
}

const samples = 12;

/** The models in one graph, the float answers to a few drawn inputs, and the parameters that follow. */
interface Reference {
  readonly graph: Graph;
  readonly assigned: Assignment;
  /** Inputs as 8-bit steps, sample by sample. */
  readonly steps: readonly (readonly Uint8Array[])[];
  /** The reals that the steps stand for. */
  readonly reals: readonly (readonly Uint8Array[])[];
  /** Answers of the float model by the name of the output. */
  readonly answers: readonly ReadonlyMap<string, Float32Array>[];
}

async function reference(models: readonly TinyModel[]): Promise<Reference> {
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

function quantized({ graph, assigned }: Reference, border: BorderType): Graph {
  return verify(quantizeGraph(graph, assigned, { inputType: border, outputType: border }).graph, 'quantize');
}

/** Mean error of each output of the int8 model, in its own steps, by name. */
async function meanErrors(
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

describe('every operation as int8', () => {
  it('has a tiny model for each operation that has an int8 kernel', () => {
    const met = new Set(tinyModels.flatMap(({ graph }) => graph.ops.map(({ kind }) => kind)));
    const missing = supportedOps.filter((kind) => opTable[kind]?.int8 !== null && !met.has(kind));
    assert.deepEqual(missing, []);
  });

  for (const { name, skip, open, borders, release } of machines) {
    const known = tinyModels.filter((model) => isKnown(model, release));
    describe(`on ${name}`, { skip }, async () => {
      const given = await reference(known);
      for (const model of tinyModels.filter((one) => !known.includes(one))) {
        it(`${model.name} is refused: it is newer than ${release}`, async () => {
          const bytes = writeModel(writeTfLite(quantized(await reference([model]), 'int8')));
          await assert.rejects(
            async () => await open(bytes),
            (error) => isAtollError(error, 'FAILED_PRECONDITION') && error.message.includes(`'${model.name}'`),
          );
        });
      }

      for (const border of borders) {
        it(`answers as the float model does, with ${border} at the borders`, async (t) => {
          const errors = await meanErrors(open, given, border);
          for (const model of known) {
            await t.test(model.name, () => {
              const own = [...errors].filter(([output]) => output.startsWith(`${model.name}/`));
              assert.equal(own.length, model.graph.outputs.length);
              for (const [output, error] of own) assert.ok(error < 1, `${output}: ${error} steps`);
            });
          }
        });
      }
    });
  }
});

describe('versions of int8 operations', async () => {
  const given = await reference(tinyModels);
  const written = writeTfLite(quantized(given, 'int8'));
  for (const model of tinyModels) {
    it(`${model.name}: ${model.versions}`, () => {
      const main = written.subgraphs[0];
      const own = main?.operators.filter(({ outputs: [first = -1] }) =>
        main.tensors[first]?.name.startsWith(`${model.name}/`),
      );
      const versions = own?.map(
        (operator) => `${operatorName(written, operator)} ${written.operatorCodes[operator.opcode]?.version}`,
      );
      assert.equal(versions?.join(', '), model.versions);
    });
  }
});

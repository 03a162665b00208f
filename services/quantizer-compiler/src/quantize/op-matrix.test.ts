// Every operation that quantizes, on every runtime: the int8 model must answer as the float model does, within its own steps.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { operatorName } from '@atoll/tflite/model';
import { isNewerRuntime, runtimeSince } from '@atoll/tflite/op-versions';
import { writeModel } from '@atoll/tflite/write';
import { opTable, supportedOps } from '../graph/op-table.js';
import { tinyModels } from '../ops-for-tests.js';
import type { TinyModel } from '../ops-for-tests.js';
import { writeTfLite } from '../write/write-tflite.js';
import { machines, meanErrors, quantized, reference } from './int8-runs-for-tests.js';

/** Whether the runtime has the operators of a model in the versions that int8 needs. */
function isKnown(model: TinyModel, release: string): boolean {
  return model.versions.split(', ').every((use) => {
    const [name = '', version] = use.split(' ');
    const kind = supportedOps.find((one) => one === name);
    return kind !== undefined && !isNewerRuntime(runtimeSince(kind, Number(version)), release);
  });
}

describe('every operation as int8', async () => {
  const whole = await reference(tinyModels);

  it('has a tiny model for each operation that has an int8 kernel', () => {
    const met = new Set(tinyModels.flatMap(({ graph }) => graph.ops.map(({ kind }) => kind)));
    const missing = supportedOps.filter((kind) => opTable[kind]?.int8 !== null && !met.has(kind));
    assert.deepEqual(missing, []);
  });

  for (const { name, skip, open, borders, release } of machines) {
    const known = tinyModels.filter((model) => isKnown(model, release));
    describe(`on ${name}`, { skip }, async () => {
      const given = known.length === tinyModels.length ? whole : await reference(known);
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

  describe('has the least versions', () => {
    const written = writeTfLite(quantized(whole, 'int8'));
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
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { mainSubgraph } from '@atoll/tflite/model';
import type { TfLiteModel } from '@atoll/tflite/model';
import { readModel } from '@atoll/tflite/read';
import { decodeFlexMap } from './flexbuffer.js';
import { inspectEdgeTpu } from './inspect.js';

const coral = join(import.meta.dirname, '../../../../shared/data/coral');
const skip = existsSync(coral) ? false : 'no models of google-coral/test_data in ../shared/data/coral';
const load = (name: string): TfLiteModel => readModel(readFileSync(join(coral, `${name}.tflite`)), name);

describe('inspectEdgeTpu', { skip }, () => {
  it('reads the package of a compiled MobileNetV1', () => {
    const compiled = inspectEdgeTpu(load('mobilenet_v1_0.25_128_quant_edgetpu'));
    assert.equal(compiled?.minRuntimeVersion, 12);
    assert.equal(compiled.onChipBytes + compiled.offChipBytes, 566_912);
    const [only] = compiled.packages;
    assert.deepEqual(only?.executables.map(({ kind }) => kind).toSorted(), ['execution-only', 'parameter-caching']);
    const runs = only.executables.find(({ kind }) => kind === 'execution-only');
    assert.equal(runs?.chip, 'beagle');
    assert.deepEqual(runs.inputs[0]?.shape, [128, 128, 3]);
    assert.equal(runs.outputs[0]?.shape[2], 1001);
    assert.notEqual(runs.parameterCachingToken, '0');
  });

  it('finds nothing compiled in an ordinary model', () => {
    assert.equal(inspectEdgeTpu(load('split_concat')), null);
  });

  it('refuses a package that was cut or overwritten, in one line', () => {
    const model = load('split_concat_edgetpu');
    const [operator] = mainSubgraph(model).operators;
    assert.ok(operator !== undefined);
    const broken = (customOptions: Uint8Array): TfLiteModel => ({
      ...model,
      subgraphs: [{ ...mainSubgraph(model), operators: [{ ...operator, customOptions }] }],
    });
    const half = operator.customOptions.slice(operator.customOptions.length >> 1);
    const zeroed = Uint8Array.from(operator.customOptions).fill(0, 8, 4000);
    for (const options of [new Uint8Array(), half, zeroed, zeroed.subarray(0, 9)]) {
      assert.throws(
        () => inspectEdgeTpu(broken(options), 'x.tflite'),
        (error) => isAtollError(error) && /^cannot read the Edge TPU package of x\.tflite: [^\n]+$/.test(error.message),
      );
    }
  });
});

describe('decodeFlexMap', () => {
  it('reads integers, strings and negative numbers by key', () => {
    // {"a": -1, "b": "xy"}: keys "a" and "b", the string with its size before it, the vector of keys, the map, the root.
    // prettier-ignore
    const file = Uint8Array.of(
      0x61, 0, 0x62, 0, 2, 0x78, 0x79, 0,
      2, 9, 8,
      2, 1, 2, 0xff, 10, 4, 20,
      4, 36, 1,
    );
    const values = decodeFlexMap(file, 'it');
    assert.equal(values.get('a'), -1);
    assert.deepEqual(values.get('b'), Uint8Array.of(0x78, 0x79));
  });

  it('refuses random bytes without crashing (seed 7)', () => {
    let state = 7;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 3 + Math.floor(random() * 40) }, () => Math.floor(random() * 256));
      bytes[bytes.length - 1] = 1;
      bytes[bytes.length - 2] = 36;
      try {
        decodeFlexMap(bytes, 'it');
      } catch (error) {
        assert.ok(isAtollError(error, 'DATA_LOSS'), String(error));
      }
    }
  });
});

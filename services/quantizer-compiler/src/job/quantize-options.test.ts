import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuantizeTask } from '@atoll/proto/atoll/v1/quantizer';
import { type QuantizeOptions, quantizeOptions } from './quantize-options.js';

const digest = 'a'.repeat(64);
const task = (changes: Partial<QuantizeTask>): QuantizeTask =>
  QuantizeTask.fromPartial({ datasetSha256: digest, ...changes });

const plain: QuantizeOptions = {
  mode: 'full-integer',
  ranges: 'auto',
  pixels: '0..1',
  inputType: 'uint8',
  outputType: 'uint8',
  samples: 100,
};

describe('quantizeOptions', () => {
  const accepted: readonly (readonly [string, Partial<QuantizeTask>, QuantizeOptions])[] = [
    ['nothing given', {}, plain],
    [
      'every word given',
      { mode: 'full-integer', ranges: 'minmax', pixels: '-1..1', inputType: 'int8', samples: 7 },
      {
        ...plain,
        ranges: 'minmax',
        pixels: '-1..1',
        inputType: 'int8',
        samples: 7,
      },
    ],
    [
      'float input and output',
      { inputType: 'float32', outputType: 'float32' },
      {
        ...plain,
        inputType: 'float32',
        outputType: 'float32',
      },
    ],
    ...(['dynamic-range', 'float16'] as const).map(
      (mode) =>
        [
          `${mode} without photos`,
          { mode, datasetSha256: '' },
          { ...plain, mode, inputType: 'float32', outputType: 'float32', samples: 0 },
        ] as const,
    ),
    [
      'photos and a count that float16 does not need',
      { mode: 'float16', samples: 50, outputType: 'float32' },
      {
        ...plain,
        mode: 'float16',
        inputType: 'float32',
        outputType: 'float32',
        samples: 0,
      },
    ],
  ];
  for (const [name, changes, expected] of accepted) {
    it(`accepts ${name}`, () => assert.deepEqual(quantizeOptions(task(changes)), expected));
  }

  const refused: readonly (readonly [Partial<QuantizeTask>, string])[] = [
    [{ mode: 'dynamic' }, 'cannot quantize with mode "dynamic": one of full-integer, dynamic-range, float16 is needed'],
    [{ mode: 'float-16' }, 'cannot quantize with mode "float-16": did you mean float16?'],
    [{ ranges: 'min-max' }, 'cannot quantize with ranges "min-max": did you mean minmax?'],
    [{ pixels: '0..2' }, 'cannot quantize with pixels "0..2": did you mean 0..1?'],
    [{ inputType: 'uint9' }, 'cannot quantize with input type "uint9": did you mean uint8?'],
    [
      { mode: 'float16', inputType: 'uint8' },
      'cannot quantize with input type uint8 in mode float16: there it is float32',
    ],
    [
      { mode: 'dynamic-range', outputType: 'int8' },
      'cannot quantize with output type int8 in mode dynamic-range: there it is float32',
    ],
    [
      { mode: 'float16', ranges: 'minmax' },
      'cannot choose ranges by minmax in mode float16: its activations stay float',
    ],
    [{ samples: 10_001 }, 'cannot calibrate on 10001 photos: 10000 are the most'],
    [{ datasetSha256: '' }, 'cannot calibrate: there are no representative photos'],
  ];
  for (const [changes, message] of refused) {
    it(`refuses ${JSON.stringify(changes)}`, () => {
      assert.throws(() => quantizeOptions(task(changes)), { code: 'INVALID_ARGUMENT', message });
    });
  }
});

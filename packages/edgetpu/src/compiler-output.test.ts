import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCompilerOutput, parseOperatorTable } from './compiler-output.js';
import { statuses } from './status.js';

const mixed15 = `Edge TPU Compiler version 15.0.340273435

Model compiled successfully in 577 ms.

Input model: /models/tiny_int8.tflite
Input size: 8.58MiB
Output model: /models/tiny_int8_edgetpu.tflite
Output size: 8.70MiB
On-chip memory used for caching model parameters: 3.00KiB
On-chip memory remaining for caching model parameters: 7.67MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 5
Operation log: /models/tiny_int8_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU.
Number of operations that will run on Edge TPU: 2
Number of operations that will run on CPU: 3

Operator                       Count      Status

QUANTIZE                       1          Operation is otherwise supported, but not mapped due to some unspecified limitation
QUANTIZE                       1          Mapped to Edge TPU
CONV_2D                        1          Mapped to Edge TPU
CONV_2D                        1          More than one subgraph is not supported
LEAKY_RELU                     1          Operation not supported
`;

const whole16 = `Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 3133 ms.

Input model: best.tflite
Input size: 6.00MiB
Output model: best_edgetpu.tflite
Output size: 6.47MiB
On-chip memory used for caching model parameters: 5.90MiB
On-chip memory remaining for caching model parameters: 1.16MiB
Off-chip memory used for streaming uncached model parameters: 41.75KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 246
Operation log: best_edgetpu.log
See the operation log file for individual operation details.
Compilation child process completed within timeout period.
Compilation succeeded! 
`;

describe('parseCompilerOutput', () => {
  it('takes counts, sizes and the table of a partly mapped model (15.0 with -s)', () => {
    const { version, models, failure } = parseCompilerOutput(mixed15);
    assert.equal(version, '15.0.340273435');
    assert.equal(failure, null);
    const [model] = models;
    assert.deepEqual(
      [model?.subgraphs, model?.operations, model?.onEdgeTpu, model?.onCpu, model?.onChipBytes, model?.offChipBytes],
      [1, 5, 2, 3, 3072, 0],
    );
    assert.equal(model?.rows.length, 5);
    assert.deepEqual(model.rows[0], { op: 'QUANTIZE', count: 1, status: statuses.limitation });
    assert.equal(model.operationLog, '/models/tiny_int8_edgetpu.log');
  });

  it('counts every operation as mapped when the two count lines are absent (16.0)', () => {
    const [model] = parseCompilerOutput(whole16).models;
    assert.deepEqual([model?.onEdgeTpu, model?.onCpu, model?.rows.length], [246, 0, 0]);
    assert.equal(model?.offChipBytes, 42_752);
  });

  it('does not take "0 subgraphs" for success on the Edge TPU', () => {
    const none = whole16.replace('subgraphs: 1', 'subgraphs: 0');
    const [model] = parseCompilerOutput(none).models;
    assert.deepEqual([model?.subgraphs, model?.onEdgeTpu], [0, null]);
  });

  it('splits several models of one run', () => {
    const two = whole16.replace(
      'Compilation child',
      `${mixed15.slice(mixed15.indexOf('Input model'))}\nCompilation child`,
    );
    assert.deepEqual(
      parseCompilerOutput(two).models.map(({ inputModel }) => inputModel),
      ['best.tflite', '/models/tiny_int8.tflite'],
    );
  });

  const failures: readonly (readonly [string, string, RegExp])[] = [
    [
      '15.0 on a float model',
      'Edge TPU Compiler version 15.0.340273435\nInvalid model: m.tflite\nModel not quantized\n',
      /^Model not quantized$/,
    ],
    [
      'an internal error',
      'Edge TPU Compiler version 14.1.317412892\nInternal compiler error. Aborting! \n',
      /^Internal compiler error$/,
    ],
    [
      'large activations',
      'ERROR: Restored original execution plan after delegate application failure.\nCompilation failed: Compilation failed due to large activation tensors in model.\nCompilation failed! \n',
      /large activation tensors/,
    ],
    ['nothing at all', 'Edge TPU Compiler version 16.0.384591198\n', /printed no result/],
  ];
  for (const [name, text, reason] of failures) {
    it(`gives the reason of a failure: ${name}`, () => {
      assert.match(parseCompilerOutput(text).failure ?? '', reason);
    });
  }
});

describe('parseOperatorTable', () => {
  it('reads a .log file and nothing but its table', () => {
    const log = `Edge TPU Compiler version 14.1.317412892\nInput: tiny.tflite\nOutput: tiny_edgetpu.tflite\n\n${mixed15.slice(mixed15.indexOf('Operator  '))}\nCompilation 12 things\n`;
    assert.deepEqual(
      parseOperatorTable(log).map(({ op, count }) => `${op} ${count}`),
      ['QUANTIZE 1', 'QUANTIZE 1', 'CONV_2D 1', 'CONV_2D 1', 'LEAKY_RELU 1'],
    );
  });
});

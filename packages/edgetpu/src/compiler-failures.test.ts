import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failureOfFile, failureOfRun, failureRows, tookTooLong } from './compiler-failures.js';
import type { CompilerFailureId } from './compiler-failures.js';
import { parseCompilerOutput } from './compiler-output.js';
import * as samples from './compiler-samples-for-tests.js';

const head16 = 'Edge TPU Compiler version 16.0.384591198\nStarted a compilation timeout timer of 180 seconds.\n';
const tail16 = 'Compilation child process completed within timeout period.\nCompilation failed! \n';

const table: readonly (readonly [
  name: string,
  text: string,
  exitCode: number | null,
  id: CompilerFailureId,
  words: RegExp,
])[] = [
  ['not quantized, 15.0', samples.notQuantized15, 1, 'not-quantized', /not quantized to full integers/],
  [
    'not quantized, the two lines apart on two streams',
    'Model not quantized\nEdge TPU Compiler version 14.1.317412892\nInvalid model: m.tflite\n',
    1,
    'not-quantized',
    /quantize/,
  ],
  [
    'an invalid model alone, 2.x',
    'Edge TPU Compiler version 2.0.291256449\nInvalid model: m.tflite\n',
    1,
    'invalid-model',
    /cannot read the model/,
  ],
  ['success with nothing mapped, 16.0', samples.zeroSubgraphs16, 0, 'nothing-mapped', /maps no operator/],
  [
    'an internal error, 14.1',
    'Edge TPU Compiler version 14.1.317412892\n\nInternal compiler error. Aborting! \n',
    1,
    'internal-error',
    /internal error/,
  ],
  ['a size that is not fixed, 16.0', samples.dynamicShape16, 1, 'dynamic-shape', /not fixed/],
  [
    'large activations, 16.0',
    `${head16}ERROR: Restored original execution plan after delegate application failure.\nCompilation failed: Compilation failed due to large activation tensors in model.\n${tail16}`,
    1,
    'large-activations',
    /do not fit/,
  ],
  ['large activations in a search, 16.0', samples.searchFailure16, 1, 'large-activations', /--search-delegate/],
  [
    'an unknown custom operator, 16.0',
    `${head16}ERROR: Encountered unresolved custom op: Atan.\nERROR: Node number 1 (Atan) failed to prepare.\n\nCompilation failed: Model failed in Tflite interpreter. Please ensure model can be loaded/run in Tflite interpreter.\n${tail16}`,
    1,
    'custom-operator',
    /custom operator that the compiler does not know: Atan; /,
  ],
  [
    'a bias of another scale, 16.0',
    `${head16}ERROR: :317 scale_diff / output_scale <= 0.02 was not true.\nERROR: Node number 12 (CONV_2D) failed to prepare.\n${tail16}`,
    1,
    'bias-scale',
    /scale of a bias/,
  ],
  [
    'an operator version, 2.1',
    "Edge TPU Compiler version 2.1.302470888\nERROR: Didn't find op for builtin opcode 'TRANSPOSE_CONV' version '3'\n\nERROR: Registration failed.\n\nInvalid model: m.tflite\n",
    1,
    'operator-version',
    /does not know: TRANSPOSE_CONV version 3; /,
  ],
  [
    'another refusal of the interpreter, 16.0',
    `${head16}ERROR: Node number 7 (RESHAPE) failed to prepare.\nCompilation failed: Model failed in Tflite interpreter. Please ensure model can be loaded/run in Tflite interpreter.\n${tail16}`,
    1,
    'interpreter',
    /cannot prepare the model: Node number 7 \(RESHAPE\) failed to prepare; /,
  ],
  ['no reason, 16.0', `${head16}${tail16}`, 1, 'no-reason', /gave no reason/],
  [
    'a crash behind the wrapper script, 16.0',
    `${head16}/usr/bin/edgetpu_compiler: line 3:    77 Segmentation fault      (core dumped) \${d}/edgetpu_compiler_bin/ld-linux-x86-64.so.2 --library-path x\n`,
    139,
    'crash',
    /crashed/,
  ],
  [
    'an exception, 16.0',
    `${head16}libc++abi: terminating with uncaught exception of type std::out_of_range: vector\n${tail16}`,
    1,
    'crash',
    /crashed/,
  ],
  ['a version line and nothing else, 15.0', 'Edge TPU Compiler version 15.0.340273435\n', 0, 'no-result', /no result/],
  [
    "the compiler's own timer, 16.0",
    `${head16}Compilation timeout. This is usually caused by large activations.\nCompilation failed! \n`,
    1,
    'timer',
    /timer ran out/,
  ],
  [
    'an unknown text',
    `${head16}No space left on device\n`,
    2,
    'exit-code',
    /exit code 2, its last line: No space left/,
  ],
  ['not a word', '', 127, 'exit-code', /exit code 127, without a word/],
  ['an end by a signal', head16, null, 'crash', /crashed \(SIGKILL\)/],
  ['a non-zero end after success', samples.efficientDet16, 1, 'exit-code', /exit code 1/],
];

describe('failureOfRun', () => {
  for (const [name, text, exitCode, id, words] of table) {
    it(`knows cause and remedy: ${name}`, () => {
      const signal = exitCode === null ? 'SIGKILL' : null;
      const failure = failureOfRun({ text, said: parseCompilerOutput(text), exitCode, signal });
      assert.equal(failure?.id, id);
      assert.match(`${failure.cause}; ${failure.remedy}`, words);
      assert.doesNotMatch(`${failure.cause}; ${failure.remedy}`, /[\n\r]|\.$/);
      assert.ok(failure.remedy.length > 10);
    });
  }

  for (const [name, text] of [
    ['16.0', samples.efficientDet16],
    ['15.0', samples.tinyYolo15],
    ['a search', `${samples.searchFailure16}\n${samples.efficientDet16}`],
    ['two models', samples.together16],
  ] as const) {
    it(`sees no failure in success: ${name}`, () => {
      assert.equal(failureOfRun({ text, said: parseCompilerOutput(text), exitCode: 0, signal: null }), null);
    });
  }

  it('has a source for every row, and a test', () => {
    for (const { id, source } of failureRows) {
      assert.match(source, /version/, id);
      assert.ok(
        table.some(([, , , tested]) => tested === id),
        `${id} has no test`,
      );
    }
  });
});

describe('failureOfFile', () => {
  it('takes a file for success only with a package that the asked runtime loads', () => {
    assert.equal(failureOfFile('m_edgetpu.tflite', null, null, 0)?.id, 'no-output');
    assert.equal(failureOfFile('m_edgetpu.tflite', 1024, null, 0)?.id, 'stub-output');
    assert.equal(failureOfFile('m_edgetpu.tflite', 99_999, 14, 13)?.id, 'newer-runtime');
    assert.equal(failureOfFile('m_edgetpu.tflite', 99_999, 13, 13), null);
    assert.equal(failureOfFile('m_edgetpu.tflite', 99_999, 14, 0), null);
  });

  it('names the time after which it was ended', () => {
    assert.match(tookTooLong(1_500).cause, /longer than 1\.5 s/);
  });
});

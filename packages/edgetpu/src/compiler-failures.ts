// Every way in which edgetpu_compiler is known to fail, as data: how to recognise it, why it happens, what to do. The first row
// that fits decides. A run that claims success is judged by `failureOfFile` too: the compiler has been seen to leave stubs.
import type { CompilerOutput } from './compiler-output.js';

/** The kinds of failure. */
export type CompilerFailureId =
  | 'not-quantized'
  | 'invalid-model'
  | 'nothing-mapped'
  | 'internal-error'
  | 'dynamic-shape'
  | 'large-activations'
  | 'custom-operator'
  | 'bias-scale'
  | 'operator-version'
  | 'interpreter'
  | 'timer'
  | 'crash'
  | 'no-reason'
  | 'no-result'
  | 'too-long'
  | 'exit-code'
  | 'no-output'
  | 'stub-output'
  | 'newer-runtime';

/** A failure with its cause and what to do about it, each without a full stop. */
export interface CompilerFailure {
  readonly id: CompilerFailureId;
  readonly cause: string;
  readonly remedy: string;
}

/** How a run of the compiler ended. */
export interface CompilerEnd {
  /** Standard output and standard error, joined. */
  readonly text: string;
  readonly said: CompilerOutput;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
}

interface FailureRow extends CompilerFailure {
  /** Where it was seen. */
  readonly source: string;
  readonly fits: RegExp;
  /** Finds the words that name the operator at fault. */
  readonly named?: RegExp;
}

const noFault = 'atoll compile without a compiler plans the same model and names the operators at fault';

/** Failures that the compiler's own text tells apart. */
export const failureRows: readonly FailureRow[] = [
  {
    id: 'not-quantized',
    cause: 'the model is not quantized to full integers, or its operators are newer than the compiler',
    remedy: 'quantize it with atoll quantize --mode full-integer',
    source: 'google-coral/edgetpu issues 168, 213, 313; versions 14.1 and 15.0',
    fits: /^Model not quantized/m,
  },
  {
    id: 'dynamic-shape',
    cause: 'a size in the model is not fixed, most often the batch',
    remedy: 'convert the model anew with batch size 1',
    source: 'google-coral/edgetpu issues 829, 831; version 16',
    fits: /only supports static-sized tensors/,
  },
  {
    id: 'timer',
    cause: "the compiler's own timer ran out, most often because of large activations",
    remedy: 'use a smaller input, a longer --timeout or --search-delegate',
    source: 'google-coral/edgetpu issue 686; version 16',
    fits: /^Compilation timeout\b/m,
  },
  {
    id: 'large-activations',
    cause: 'the activations do not fit into the memory of the Edge TPU',
    remedy: 'use a smaller input, or cut the model with --search-delegate or --intermediate-tensors',
    source: 'google-coral/edgetpu issues 449, 608, 651; version 16',
    fits: /due to large activation tensors/,
  },
  {
    id: 'custom-operator',
    cause: 'the model has a custom operator that the compiler does not know',
    remedy: 'take the operator out of the model and compute it in the application',
    source: 'published logs; version 16',
    fits: /Encountered unresolved custom op: /,
    named: /Encountered unresolved custom op: (\S+)/,
  },
  {
    id: 'bias-scale',
    cause: 'the scale of a bias is not the scale of the input times that of the weights',
    remedy: 'quantize the model anew with atoll quantize',
    source: 'Namburger/edgetpu-ssdlite-mobiledet-retrain issue 11; version 16',
    fits: /scale_diff \/ output_scale <= 0\.02 was not true/,
  },
  {
    id: 'operator-version',
    cause: 'an operator has a version that the compiler does not know',
    remedy: 'write the least version that int8 needs (atoll quantize does), or use version 16 of the compiler',
    source: 'google-coral/edgetpu issues 45, 114, 358; versions 2.x',
    fits: /Didn't find op for builtin opcode /,
    named: /Didn't find op for builtin opcode '(\w+) ?' version '(\d+)'/,
  },
  {
    id: 'invalid-model',
    cause: 'the compiler cannot read the model',
    remedy: 'check that it is a full-integer .tflite with atoll inspect, and use version 16 of the compiler',
    source: 'google-coral/edgetpu issue 79; versions 2.x',
    fits: /^Invalid model: /m,
  },
  {
    id: 'interpreter',
    cause: 'the interpreter inside the compiler cannot prepare the model',
    remedy: noFault,
    source: 'published logs; version 16',
    fits: /Model failed in Tflite interpreter/,
    named: /^ERROR: (.+?)\s*$/m,
  },
  {
    id: 'internal-error',
    cause: 'the compiler met an internal error, twice',
    remedy: 'try once more, use version 16 of the compiler, a smaller input, or no --multiple-subgraphs',
    source: 'google-coral/edgetpu issues 157, 173, 189, 211; versions up to 15.0',
    fits: /^Internal compiler error\./m,
  },
  {
    id: 'crash',
    cause: 'the compiler crashed',
    remedy: 'leave out --multiple-subgraphs, or cut the model with --search-delegate or --intermediate-tensors',
    source: 'google-coral/edgetpu issues 643, 669, 728; version 16',
    fits: /Segmentation fault|\(core dumped\)|terminating with uncaught exception/,
  },
  {
    id: 'no-reason',
    cause: 'the compiler failed and gave no reason',
    remedy: noFault,
    source: 'google-coral/edgetpu issues 800, 903; version 16',
    fits: /^Compilation failed!/m,
  },
];

/** What went wrong in a run that came to its end; null when text and exit code report success. */
export function failureOfRun({ text, said, exitCode, signal }: CompilerEnd): CompilerFailure | null {
  if (said.failure === null && exitCode === 0) return nothingMapped(said);
  const row = said.failure === null ? undefined : failureRows.find(({ fits }) => fits.test(text));
  if (row !== undefined) return withWords(row, text);
  if (signal !== null || exitCode === 134 || exitCode === 139) {
    const { cause, remedy } = crash;
    return { id: 'crash', cause: `${cause}${signal === null ? '' : ` (${signal})`}`, remedy };
  }
  if (exitCode !== 0) {
    const last = text.trim().split(/\r?\n/).at(-1)?.trim().slice(0, 200) ?? '';
    const words = last === '' ? 'without a word' : `its last line: ${last}`;
    return { id: 'exit-code', cause: `the compiler ended with exit code ${exitCode}, ${words}`, remedy: noFault };
  }
  return {
    id: 'no-result',
    cause: 'the compiler printed no result',
    remedy: 'ask for fewer segments, or for one file',
  };
}

const crash = { cause: 'the compiler crashed', remedy: 'leave out --multiple-subgraphs, or use --search-delegate' };

function nothingMapped({ models }: CompilerOutput): CompilerFailure | null {
  if (models.length === 0 || models.some(({ subgraphs }) => subgraphs !== 0)) return null;
  return {
    id: 'nothing-mapped',
    cause: 'the compiler reports success, but maps no operator to the Edge TPU',
    remedy: 'quantize the model to full integers with atoll quantize --mode full-integer',
  };
}

/** Where the text names the operator at fault, the cause does too. */
function withWords({ id, cause, remedy, named }: FailureRow, text: string): CompilerFailure {
  const words = named?.exec(text)?.slice(1).join(' version ').replace(/\.$/, '').slice(0, 200);
  return { id, cause: words === undefined ? cause : `${cause}: ${words}`, remedy };
}

/** The end that Atoll makes of a compiler which does not come to one. */
export function tookTooLong(timeoutMs: number): CompilerFailure {
  return {
    id: 'too-long',
    cause: `it took longer than ${timeoutMs / 1000} s`,
    remedy: 'use a smaller input, --search-delegate, or allow more time',
  };
}

/** What is wrong with the file that a run left, which says success: bytes null when there is none, runtime null when it holds no package. */
export function failureOfFile(
  name: string,
  sizeBytes: number | null,
  runtime: number | null,
  asked: number,
): CompilerFailure | null {
  if (sizeBytes === null) {
    return { id: 'no-output', cause: `the compiler reports success, but left no ${name}`, remedy: noFault };
  }
  if (runtime === null) {
    return {
      id: 'stub-output',
      cause: `the compiler reports success, but ${name} (${sizeBytes} bytes) holds nothing for the Edge TPU`,
      remedy: noFault,
    };
  }
  if (asked !== 0 && runtime > asked) {
    return {
      id: 'newer-runtime',
      cause: `${name} needs runtime ${runtime}, and ${asked} was asked for`,
      remedy: 'ask for a newer runtime, or use an older version of the compiler',
    };
  }
  return null;
}

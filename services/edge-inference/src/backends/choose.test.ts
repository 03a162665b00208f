import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CpuBackend } from './choose.js';
import { betterBackend, chooseBackend, choiceInWords } from './choose.js';

const names: readonly CpuBackend[] = ['native-litert', 'native-tflite', 'wasm'];

/** Medians in the order of `names`; text = refused. */
function trials(...medians: readonly (number | string)[]) {
  return medians.map((median, index) => ({
    backend: names[index] ?? 'wasm',
    medianMs: typeof median === 'number' ? median : 0,
    p99Ms: typeof median === 'number' ? median : 0,
    refusal: typeof median === 'string' ? median : undefined,
  }));
}

test('chooseBackend(): the fastest that can, and the more trusted of two that are close', () => {
  const table: [(number | string)[], CpuBackend | undefined][] = [
    [[1, 3, 2], 'native-litert'],
    [[3, 1, 2], 'native-tflite'],
    [[3, 2, 1], 'wasm'],
    [[1.04, 3, 1], 'native-litert'],
    [[1.06, 3, 1], 'wasm'],
    [[3, 1.01, 1], 'native-tflite'],
    [['not there', 45, 16], 'wasm'],
    [['not there', 'golden', 16], 'wasm'],
    [['a', 'b', 'c'], undefined],
    [[], undefined],
  ];
  for (const [medians, expected] of table) assert.equal(chooseBackend(trials(...medians)), expected, medians.join());
});

test('betterBackend(): a swap only for a clear lead over what runs now', () => {
  const table: [(number | string)[], current: string, CpuBackend | undefined][] = [
    [[10, 45, 16], 'native-litert', undefined],
    [['not there', 45, 16], 'native-tflite', 'wasm'],
    [['not there', 18, 16], 'native-tflite', undefined],
    [['not there', 20, 16], 'native-tflite', 'wasm'],
    [[10, 45, 16], 'edgetpu', undefined],
    [['a', 'b', 'c'], 'wasm', undefined],
  ];
  for (const [medians, current, expected] of table)
    assert.equal(betterBackend(trials(...medians), current), expected, `${medians.join()} on ${current}`);
});

test('choiceInWords(): names every backend with its time or its reason', () => {
  const words = 'native-litert of native-litert 1.00 ms, native-tflite 3.20 ms, wasm refused: no kernel';
  assert.equal(choiceInWords(trials(1, 3.2, 'no kernel')), words);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goldenPairs, isModelName, versionFiles, versionOfName, versionsAmong } from './layout.js';

describe('the layout of a repository', () => {
  test('isModelName() takes what may stand in paths and addresses', () => {
    const table: readonly (readonly [string, boolean])[] = [
      ['photos', true],
      ['resnet50_int8-v1.2', true],
      ['a'.repeat(63), true],
      ['a'.repeat(64), false],
      ['', false],
      ['.hidden', false],
      ['..', false],
      ['-x', false],
      ['a/b', false],
      ['a b', false],
      ['ä', false],
    ];
    for (const [name, fits] of table) assert.equal(isModelName(name), fits, name);
  });

  test('versionOfName() takes whole numbers from 1, written one way', () => {
    const table: readonly (readonly [string, bigint | undefined])[] = [
      ['1', 1n],
      ['20250101', 20250101n],
      ['0', undefined],
      ['01', undefined],
      ['-1', undefined],
      ['1.0', undefined],
      ['1e3', undefined],
      ['9'.repeat(19), undefined],
      ['config.pbtxt', undefined],
    ];
    for (const [name, version] of table) assert.equal(versionOfName(name), version, name);
  });

  test('versionsAmong() orders by number and passes over other names', () => {
    assert.deepEqual(versionsAmong(['10', '9', 'config.pbtxt', '2', '.git', '02']), [2n, 9n, 10n]);
  });

  test('versionFiles() knows the files of the layout and no others', () => {
    const segments = ['model_segment_1_of_2_edgetpu.tflite', 'model_segment_0_of_2_edgetpu.tflite'];
    assert.deepEqual(versionFiles(['README', 'labels.txt', 'model.tflite', 'model.onnx', ...segments]), {
      cpu: 'model.tflite',
      edgeTpu: undefined,
      segments: [
        { name: segments[1], segment: { index: 0, count: 2 } },
        { name: segments[0], segment: { index: 1, count: 2 } },
      ],
      labels: 'labels.txt',
      manifest: undefined,
      golden: undefined,
    });
  });

  test('goldenPairs() pairs inputs with outputs and tells the lone ones', () => {
    assert.deepEqual(goldenPairs(['b.output.bin', 'a.input.bin', 'b.input.bin', 'c.output.bin', 'notes.txt']), {
      pairs: [['b.input.bin', 'b.output.bin']],
      lone: ['a.input.bin', 'c.output.bin'],
    });
  });
});

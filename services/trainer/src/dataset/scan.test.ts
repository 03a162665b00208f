import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ListedFile, scanTestSet, scanTrainingSet, scanValidationSet } from './scan.js';

const files = (...paths: string[]): ListedFile[] => paths.map((path) => ({ path, sha256: path, sizeBytes: 1 }));

describe('scanTrainingSet()', () => {
  test('sorts classes by name and photos by path, whatever the order of the manifest', () => {
    const { classes, photos } = scanTrainingSet(files('sea/2.jpg', 'forest/b/1.jpg', 'sea/1.jpg', 'Alps/1.png'));
    assert.deepEqual(classes, ['Alps', 'forest', 'sea']);
    assert.deepEqual(
      photos.map(({ path, label }) => [path, label]),
      [
        ['Alps/1.png', 0],
        ['forest/b/1.jpg', 1],
        ['sea/1.jpg', 2],
        ['sea/2.jpg', 2],
      ],
    );
  });

  for (const [name, listed, message] of [
    ['no photo', files(), /it holds no photo$/],
    ['one class', files('sea/1.jpg', 'sea/2.jpg'), /it has one class, sea, and at least two are needed$/],
    ['a class that labels.txt cannot hold', files('a\nb/1.jpg', 'c/1.jpg'), /class "a\\nb" has a control character$/],
    ['a photo outside the classes', files('sea/1.jpg', '2.jpg'), /2\.jpg does not lie in the folder of a class$/],
  ] as const) {
    test(`refuses ${name}`, () => assert.throws(() => scanTrainingSet(listed), { code: 'INVALID_ARGUMENT', message }));
  }
});

test('scanValidationSet() labels by the training classes and refuses any other', () => {
  assert.deepEqual(
    scanValidationSet(files('b/1.jpg'), ['a', 'b']).map(({ label }) => label),
    [1],
  );
  assert.throws(() => scanValidationSet(files('c/1.jpg'), ['a', 'b']), /c\/1\.jpg is of none of the classes a, b$/);
});

test('scanTestSet() leaves photos outside known classes without a label', () => {
  assert.deepEqual(
    scanTestSet(files('b/1.jpg', '2.jpg', 'x/3.jpg'), ['a', 'b']).map(({ path, label }) => [path, label]),
    [
      ['2.jpg', null],
      ['b/1.jpg', 1],
      ['x/3.jpg', null],
    ],
  );
});

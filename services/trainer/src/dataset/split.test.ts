import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sha256 } from '@atoll/base/digest';
import { dataVersion } from './data-version.js';
import type { LabelledPhoto } from './photo.js';
import { splitPhotos } from './split.js';

function photosOf(perClass: number, name = 'photo'): LabelledPhoto[] {
  return Array.from({ length: perClass * 3 }, (_, i) => {
    const path = `${i % 3}/${name}-${i}.png`;
    return { path, sha256: sha256(path), sizeBytes: 1, label: i % 3 };
  });
}

const paths = (photos: readonly LabelledPhoto[]): string[] => photos.map(({ path }) => path);

describe('splitPhotos()', () => {
  test('puts every photo on one side, near the share within each class', () => {
    const photos = photosOf(1_000);
    const { training, validation } = splitPhotos(photos, 1, 0.2);
    assert.deepEqual([...paths(training), ...paths(validation)].toSorted(), paths(photos).toSorted());
    for (const label of [0, 1, 2]) {
      const count = validation.filter((photo) => photo.label === label).length;
      assert.ok(Math.abs(count - 200) < 40, `class ${label}: ${count}`);
    }
  });

  test('moves no photo when others are added or the order changes', () => {
    const few = photosOf(200);
    const before = new Set(paths(splitPhotos(few, 1, 0.2).validation));
    const more = splitPhotos([...photosOf(100, 'new'), ...few.toReversed()], 1, 0.2).validation;
    assert.deepEqual(
      paths(more)
        .filter((path) => !path.includes('new'))
        .toSorted(),
      [...before].toSorted(),
    );
  });

  test('depends on the seed', () => {
    const photos = photosOf(100);
    assert.notDeepEqual(paths(splitPhotos(photos, 1, 0.2).validation), paths(splitPhotos(photos, 2, 0.2).validation));
  });

  test('keeps two copies of one photo on one side', () => {
    const photos = photosOf(100).flatMap((photo) => [photo, { ...photo, path: `${photo.path}-copy` }]);
    const validation = new Set(paths(splitPhotos(photos, 1, 0.2).validation));
    for (const { path } of photos.filter((photo) => !photo.path.endsWith('-copy'))) {
      assert.equal(validation.has(path), validation.has(`${path}-copy`), path);
    }
  });

  test('leaves both sides of a tiny class something, and trains on a single photo', () => {
    for (const perClass of [2, 3, 4]) {
      const { training, validation } = splitPhotos(photosOf(perClass), 1, 0.01);
      for (const side of [training, validation]) {
        assert.deepEqual(new Set(side.map(({ label }) => label)), new Set([0, 1, 2]));
      }
    }
    assert.equal(splitPhotos(photosOf(1), 1, 0.5).validation.length, 0);
  });
});

describe('dataVersion()', () => {
  const [training, validation] = [photosOf(4), photosOf(2, 'other')];
  const base = { classes: ['0', '1', '2'], training, validation, test: [], preprocessing: 'plain' };

  test('does not depend on order and names', () => {
    const renamed = training.toReversed().map((photo, i) => ({ ...photo, path: `x/${i}` }));
    assert.equal(dataVersion({ ...base, training: renamed }), dataVersion(base));
  });

  test('changes with a photo, a label, a side, a class name and the preprocessing', () => {
    const [first] = training as [LabelledPhoto];
    const changed = [
      base,
      { ...base, training: training.slice(1) },
      { ...base, training: [{ ...first, label: 2 }, ...training.slice(1)] },
      { ...base, training: training.slice(1), validation: [...validation, first] },
      { ...base, classes: ['0', '1', 'two'] },
      { ...base, preprocessing: 'other' },
    ].map((input) => dataVersion(input));
    assert.equal(new Set(changed).size, changed.length);
  });
});

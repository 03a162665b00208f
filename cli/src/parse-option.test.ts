import assert from 'node:assert/strict';
import { test } from 'node:test';
import { augmentation, durationMs, integer, list, number, pairs } from './parse-option.js';

test('durationMs reads times with a unit and refuses all else', () => {
  assert.deepEqual(['500ms', '30s', '1.5m', '2h'].map(durationMs), [500, 30_000, 90_000, 7_200_000]);
  for (const text of ['30', 's', '-1s', '1d', '']) assert.throws(() => durationMs(text), /must be a time/, text);
});

test('integer and number hold their bounds', () => {
  assert.equal(integer(1, 5)('5'), 5);
  for (const text of ['0', '6', '1.5', 'x', ''])
    assert.throws(() => integer(1, 5)(text), /whole number from 1 to 5/, text);
  assert.equal(number(0, 1)('.05'), 0.05);
  for (const text of ['-0.1', '1.1', 'x', ' ']) assert.throws(() => number(0, 1)(text), /number from 0 to 1/, text);
});

test('pairs and list read what stands between commas', () => {
  assert.deepEqual(pairs('site=a, slot = 2'), { site: 'a', slot: '2' });
  for (const text of ['site', '=a', 'site=', '']) assert.throws(() => pairs(text), /KEY=VALUE/, text);
  assert.deepEqual(list('1, 50%,100%'), ['1', '50%', '100%']);
  assert.throws(() => list('1,,2'), /between commas/);
});

test('augmentation reads each part by itself, none, and refuses what it does not know', () => {
  assert.deepEqual(augmentation('zoom=.3,rotate=25,shear=.1'), { zoom: 0.3, rotateDegrees: 25, shearDegrees: 0.1 });
  assert.deepEqual(augmentation('rotate=10'), { zoom: 0, rotateDegrees: 10, shearDegrees: 0 });
  assert.deepEqual(augmentation('none'), { zoom: 0, rotateDegrees: 0, shearDegrees: 0 });
  assert.throws(() => augmentation('zom=.3'), /zom is none of zoom, rotate, shear/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedSettings, checkSettings, defaultSettings } from './settings.js';

test('checkSettings() takes the defaults as they are', () => {
  assert.deepEqual(checkSettings(defaultSettings), defaultSettings);
});

const refused: readonly [Partial<AskedSettings>, RegExp][] = [
  [{ model: 'referense' }, /model "referense": did you mean reference\?$/],
  [{ engine: 'gpu' }, /engine "gpu": the choices are auto, tfjs-node, wasm$/],
  [{ imageSize: 21 }, /image size 21: it must lie between 22 and 512$/],
  [{ epochs: 1.5 }, /epochs 1\.5: it must lie between 1 and 10000$/],
  [{ batchSize: 0 }, /batch size 0: it must lie between 1 and 1024$/],
  [{ batchSize: 86, imageSize: 512 }, /batch size 86: it must lie between 1 and 85$/],
  [{ learningRate: Number.NaN }, /learning rate NaN: it must lie between 0 and 1$/],
  [{ seed: 2 ** 53 }, /seed 9007199254740992: /],
  [{ validationShare: 0.6 }, /validation share 0\.6: it must lie between 0 and 0\.5$/],
  [{ augmentation: { zoom: 1, rotateDegrees: 0, shearDegrees: 0 } }, /zoom 1: it must lie between 0 and 0\.9$/],
];
for (const [change, message] of refused) {
  test(`checkSettings() refuses ${JSON.stringify(change)}`, () => {
    assert.throws(() => checkSettings({ ...defaultSettings, ...change }), { code: 'INVALID_ARGUMENT', message });
  });
}

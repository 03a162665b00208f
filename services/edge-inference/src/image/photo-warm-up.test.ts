import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { squashed } from '@atoll/image/preprocessing';
import { createLogger, silentLogger } from '@atoll/base/log';
import { createPhotoWarmUp } from './photo-warm-up.js';

const ofPhotos = { preprocessing: squashed(16, 16, [0], [1]) };
const ofNumbers = { preprocessing: undefined };

describe('the warm-up of photos', () => {
  for (const [what, steps, count] of [
    ['begins when the node is ready and serves a model of photos', ['photos', 'ready'], 1],
    ['begins when a model of photos comes later', ['ready', 'numbers', 'photos'], 1],
    ['waits until the node is ready', ['photos'], 0],
    ['is left out where no model takes photos', ['numbers', 'ready', 'numbers'], 0],
    ['is done once', ['ready', 'photos', 'photos', 'ready'], 1],
    ['begins no more once it was stopped', ['ready', 'stop', 'photos'], 0],
  ] as const) {
    test(what, async () => {
      let warmed = 0;
      const warmUp = createPhotoWarmUp(silentLogger, () => {
        warmed++;
        return Promise.resolve();
      });
      for (const step of steps) {
        if (step === 'ready') warmUp.begin();
        else if (step === 'stop') await warmUp.stop();
        else warmUp.consider([step === 'photos' ? ofPhotos : ofNumbers]);
      }
      await warmUp.stop();
      assert.equal(warmed, count);
    });
  }

  test('decodes a photo by the codec itself, and says nothing', async () => {
    const lines: string[] = [];
    const warmUp = createPhotoWarmUp(
      createLogger({ service: 'test', level: 'info', write: (line) => lines.push(line) }),
    );
    warmUp.begin();
    warmUp.consider([ofPhotos]);
    await warmUp.stop();
    assert.deepEqual(lines, []);
  });

  test('that fails is told and ends nothing', async () => {
    const lines: string[] = [];
    const log = createLogger({ service: 'test', level: 'info', write: (line) => lines.push(line) });
    const warmUp = createPhotoWarmUp(log, () => Promise.reject(new Error('no such library')));
    warmUp.begin();
    warmUp.consider([ofPhotos]);
    await warmUp.stop();
    assert.match(lines.join(), /could not be loaded.*no such library/);
  });
});

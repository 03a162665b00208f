import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFigures } from './checks.js';
import type { Figures } from './figures.js';
import type { RolloutOutcome } from './roll-out.js';

const rollout = (change: Partial<RolloutOutcome>): RolloutOutcome => ({
  name: 'r',
  phase: 'Complete',
  waves: 2,
  wave: 2,
  message: '',
  nodeReasons: [],
  seconds: 1,
  ...change,
});
const stopped = (reason: string): RolloutOutcome =>
  rollout({ phase: 'Reverted', wave: 1, nodeReasons: [`node-1: ${reason}`] });
const good: Figures = {
  photos: {
    source: '',
    known: true,
    classes: ['a', 'b', 'c', 'd', 'e', 'f'],
    training: 2_100,
    validation: 360,
    heldOut: 360,
  },
  training: { engine: '', parameters: 1, images: 2_000, validationAccuracy: [0.3, 0.4, 0.5], imagesPerSecond: 1 },
  quantization: {
    sizeBytes: 10,
    floatSizeBytes: 39,
    eval: { images: 300, floatTop1: 0.5, int8Top1: 0.49, agreement: 0.97, meanAbsError: 0, maxAbsError: 0 },
  },
  edgeTpu: { compiled: false, onEdgeTpu: 12, onCpu: 0 },
  nodes: 3,
  first: rollout({ waves: 1, wave: 1 }),
  swap: rollout({}),
  load: { clients: 4, requests: 2_000, failed: 0, strangers: 0, inFlightAtFlip: { a: 1, b: 2 }, p50Ms: 1, p99Ms: 2 },
  scoreDifference: 0.1,
  wrong: stopped('GOLDEN_MISMATCH: x'),
  slow: stopped('TOO_SLOW: x'),
  versionsAtEnd: [2, 2, 2],
  requests: 3_000,
  failedRequests: 0,
  seconds: 100,
};

test('checkFigures passes figures that just keep their bounds', () => {
  assert.deepEqual(checkFigures(good), []);
});

test('checkFigures names each figure that is out of its bound', () => {
  const training = (change: Partial<Figures['training']>): Partial<Figures> => ({
    training: { ...good.training, ...change },
  });
  const load = (change: Partial<Figures['load']>): Partial<Figures> => ({ load: { ...good.load, ...change } });
  const compared = (change: object): Partial<Figures> => ({
    quantization: { ...good.quantization, eval: { ...good.quantization.eval, ...change } as never },
  });
  const cases: readonly (readonly [Partial<Figures>, RegExp])[] = [
    [training({ images: 1_999 }), /trained on 1999 photos/],
    [training({ validationAccuracy: [0.3, 0.5] }), /2 epochs, not 3/],
    [training({ validationAccuracy: [0.5, 0.6, 0.5] }), /did not rise/],
    [training({ validationAccuracy: [0.1, 0.2, 0.31] }), /31\.0 %, below 31\.7 %/],
    [compared({ images: 299 }), /299 photos/],
    [compared({ agreement: 0.96 }), /agrees with float on 96\.0 %/],
    [compared({ int8Top1: 0.47 }), /3\.0 % apart/],
    [{ quantization: { ...good.quantization, sizeBytes: 11 } }, /3\.55 times smaller/],
    [{ edgeTpu: { compiled: false, onEdgeTpu: 11, onCpu: 1 } }, /1 ops are left to the CPU/],
    [{ first: rollout({ phase: 'Reverted' }) }, /v1 was not rolled out/],
    [{ swap: rollout({ waves: 1 }) }, /v2 was not rolled out in 2 waves/],
    [{ wrong: rollout({}) }, /v3 was not stopped/],
    [{ slow: { ...stopped('TOO_SLOW'), wave: 2 } }, /v4 was not stopped in wave 1/],
    [{ slow: stopped('CRASHED') }, /v4 was not stopped in wave 1 for its latency/],
    [{ versionsAtEnd: [2, 4, 2] }, /versions 2, 4, 2 at the end/],
    [load({ clients: 3 }), /3 clients/],
    [load({ requests: 1_999 }), /1999 requests/],
    [load({ failed: 1 }), /1 of 2000 requests failed over the swap/],
    [load({ strangers: 1 }), /1 answers named neither/],
    [load({ inFlightAtFlip: { a: 1, b: 0 } }), /at the flip of b/],
    [{ failedRequests: 2 }, /2 of 3000 requests failed in all/],
    [{ scoreDifference: 0.001 }, /scores of v1/],
  ];
  for (const [change, expected] of cases) {
    const faults = checkFigures({ ...good, ...change });
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', expected);
  }
});

test('checkFigures asks nothing of accuracy on photos that nobody knows', () => {
  const poor = { ...good.training, images: 20, validationAccuracy: [0.2] };
  assert.deepEqual(checkFigures({ ...good, photos: { ...good.photos, known: false }, training: poor }), []);
});

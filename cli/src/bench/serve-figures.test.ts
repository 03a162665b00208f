import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoadOnServer } from './load.js';
import type { ServerResult } from './serve.js';
import { describeServe, serveFigures } from './serve-figures.js';

function result(name: string, ours: boolean, rates: readonly number[], hasRest = false): ServerResult {
  const loads = rates.map((requestsPerSecond): LoadOnServer => ({
    requestsPerSecond,
    p50Ms: 1000 / requestsPerSecond,
    p99Ms: 2000 / requestsPerSecond,
    clientCpuMs: null,
    frontCpuMs: 1,
    childrenCpuMs: 2,
  }));
  return {
    server: { name, ours, setUp: '1 slot', start: () => Promise.reject(new Error('it is not started here')) },
    loads: new Map([[8, loads]]),
    rest: new Map(hasRest ? [[8, loads.slice(0, 1)]] : []),
    readyMs: [300, 100, 200],
    memory: [{ frontBytes: 80e6, childrenBytes: [40e6], pssBytes: 90e6 }],
    photo: ours ? [{ photoBytes: 70_000, totalMs: 7, inferMs: 3, besideMs: 4 }] : [],
  };
}

const results = [result('Atoll', true, [300, 100, 400]), result('Peer', false, [150, 200, 100])];

describe('serveFigures', () => {
  const figures = serveFigures(results, { rounds: 3 });
  const find = (name: string) => figures.find((figure) => figure.name === name);

  test('takes the median of the rounds and sets it beside the peer', () => {
    const { value, peer, peerValue, ratio, unit } = find('Atoll/8-clients/throughput') ?? {};
    assert.deepEqual([value, peer, peerValue, ratio, unit], [300, 'Peer', 150, 2, 'requests/s']);
    assert.equal(find('Atoll/start')?.value, 200);
    assert.equal(find('Atoll/rss')?.value, 120e6);
    assert.equal(find('Atoll/pss')?.value, 90e6);
  });

  test("adds the front's and the children's processor time, and leaves out what was not measured", () => {
    assert.equal(find('Atoll/8-clients/cpu')?.value, 3);
    assert.equal(find('Atoll/8-clients/client-cpu'), undefined);
  });

  test('tells the photo of our own alone, each figure with its conditions', () => {
    const photo = find('Atoll/photo/beside-infer');
    assert.deepEqual([photo?.value, photo?.peer, photo?.conditions['photoBytes']], [4, undefined, 70_000]);
    for (const { conditions } of figures) assert.equal(conditions['rounds'], 3);
  });

  test('sets REST beside the peers whose REST was measured, or alone', () => {
    const [own, peer] = [result('Atoll', true, [300], true), result('Peer', false, [150], true)];
    const named = serveFigures([own, result('Other', false, [100]), peer], {}).filter(
      ({ name }) => name === 'Atoll/rest/8-clients/throughput',
    );
    assert.deepEqual(
      named.map((figure) => [figure.value, figure.peer, figure.ratio]),
      [[300, 'Peer', 2]],
    );
    const alone = serveFigures([own, result('Other', false, [100])], {});
    assert.equal(alone.find(({ name }) => name === 'Atoll/rest/8-clients/p50')?.peer, undefined);
    assert.ok(figures.every(({ name }) => !name.includes('/rest/')));
  });

  test('stands alone without peers', () => {
    const alone = serveFigures(results.slice(0, 1), {});
    assert.ok(alone.length > 0 && alone.every(({ peer }) => peer === undefined));
  });
});

describe('describeServe', () => {
  test('has a table of REST with those alone that were measured so', () => {
    const text = describeServe([result('Atoll', true, [300], true), result('Peer', false, [100])], {});
    assert.match(text, /\n\n {2}8 at a time, REST .*\n {2}Atoll +300 .*\n\n {2}server /);
  });

  test('has a line a server in each table', () => {
    const text = describeServe(results, { client: 'loop' });
    assert.match(text, /^client loop\n\n {2}8 at a time .*\n {2}Atoll +300 .*\n {2}Peer +150 /);
    assert.match(text, /Atoll +200 +80 +40 +90 +7\.00 = 3\.00 \+ 4\.00 +1 slot\n {2}Peer +200 +80 +40 +90 +1 slot$/);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, newVersion, node, oldVersion, rollout } from '../rollout-for-tests.js';
import type { Health, NodeView } from './fleet-view.js';
import { controlOf, judgeMetrics, metricSamples, type MetricVerdict } from './metric-gate.js';

const gate = {
  minRequests: 100,
  maxErrorRatio: 2,
  maxP99Ratio: 2,
  maxCrashes: 0,
  maxScoreDrift: 0.25,
  patienceMs: 0,
};
const health = (requests: number, errors = 0, p99Ms = 10, change: Partial<Health> = {}): Health => ({
  requests,
  errors,
  p99Ms,
  crashes: 0,
  scoreDrift: undefined,
  ...change,
});
const good = health(1_000);

type Row = readonly [
  what: string,
  canary: Health,
  before: Health | undefined,
  control: Health | undefined,
  verdict: MetricVerdict['verdict'],
  says?: RegExp,
];
const rows: readonly Row[] = [
  ['as good as both', good, good, good, 'PASS'],
  ['as good as control, nothing known of before', good, undefined, good, 'PASS'],
  ['as good as before, no control in the last wave', good, good, undefined, 'PASS'],
  ['nothing to compare with', good, undefined, undefined, 'INCONCLUSIVE', /nothing to compare with/],
  ['too few requests of the wave', health(99), good, good, 'INCONCLUSIVE', /saw 99 requests, 100 are needed/],
  ['too few of all it is compared with', good, health(99), health(99), 'INCONCLUSIVE', /nothing to compare/],
  ['three times slower than both', health(1_000, 0, 30), good, good, 'FAIL', /3\.0 times slower than control/],
  ['three times slower, but by 2 ms', health(1_000, 0, 3), health(1_000, 0, 1), undefined, 'PASS'],
  [
    'slower than before, as control is now: the load changed',
    health(1_000, 0, 30),
    good,
    health(1_000, 0, 30),
    'INCONCLUSIVE',
  ],
  [
    'slower than control, as it was before: another place',
    health(1_000, 0, 30),
    health(1_000, 0, 30),
    good,
    'INCONCLUSIVE',
  ],
  ['5 % errors where there were none', health(1_000, 50), good, good, 'FAIL', /errors, which it has not/],
  ['1 % errors where there were none', health(1_000, 10), good, good, 'PASS'],
  ['3 of 100 where there were none', health(100, 3), good, good, 'FAIL'],
  ['3 of 100 where 1 of 100 was', health(100, 4), health(100, 1), health(100, 1), 'INCONCLUSIVE', /maybe 4\.0 times/],
  ['errors as before', health(1_000, 100), health(1_000, 90), health(1_000, 95), 'PASS'],
  ['a crash', health(1_000, 0, 10, { crashes: 1 }), good, good, 'FAIL', /1 crashes on 1 nodes/],
  [
    'crashes as control has them',
    health(1_000, 0, 10, { crashes: 2 }),
    good,
    health(1_000, 0, 10, { crashes: 1 }),
    'PASS',
  ],
  ['a crash is judged without requests', health(0, 0, 0, { crashes: 1 }), undefined, undefined, 'FAIL'],
  ['scores have drifted', health(1_000, 0, 10, { scoreDrift: 0.3 }), good, good, 'FAIL', /drifted by 0\.30/],
  ['scores have drifted a little', health(1_000, 0, 10, { scoreDrift: 0.2 }), good, good, 'PASS'],
];
for (const [what, canary, baseline, control, verdict, says = /./] of rows) {
  test(`judgeMetrics: ${what} is ${verdict}`, () => {
    const samples = { canaries: [{ health: canary, baseline }], control: control === undefined ? [] : [control] };
    const judged = judgeMetrics(gate, samples, 0.95);
    assert.deepEqual(
      [judged.verdict, says.test(judged.numbers.join('; '))],
      [verdict, true],
      judged.numbers.join('; '),
    );
  });
}

test('judgeMetrics gives the numbers of all that it compared', () => {
  const { numbers } = judgeMetrics(gate, { canaries: [{ health: good, baseline: good }], control: [good, good] }, 0.95);
  assert.deepEqual(numbers, [
    'wave: 1 nodes, 1000 requests, 0.00 % errors, p99 10.0 ms, 0 crashes',
    'control: 2 nodes, 2000 requests, 0.00 % errors, p99 10.0 ms, 0 crashes',
    'before: 1 nodes, 1000 requests, 0.00 % errors, p99 10.0 ms, 0 crashes',
  ]);
});

const reporting = (id: string, serving: NodeView['committed'], numbers: Health, baseline?: Health): NodeView => {
  const view = node(id, 'STEADY', 5n, serving);
  return { ...view, report: view.report && { ...view.report, health: numbers, baseline } };
};

test('controlOf and metricSamples: nodes of later waves, by what they counted since the wave began', () => {
  const planned = rollout([
    member('a', 1),
    member('b', 2, 'unassigned'),
    member('c', 2, 'unassigned'),
    member('d', 2, 'unassigned'),
  ]);
  const atStart = ['b', 'c', 'd'].map((id) => reporting(id, oldVersion, health(500, 5)));
  const control = controlOf(planned, 1, fleet(atStart));
  assert.deepEqual(control, { b: [500, 5, 0], c: [500, 5, 0], d: [500, 5, 0] });
  const begun = {
    ...planned,
    members: [member('a', 1, { outcome: 'COMMITTED' }), ...planned.members.slice(1)],
    waves: planned.waves.map((wave) => ({ ...wave, control })),
  };
  const later = [
    reporting('a', newVersion, health(70), health(900)),
    reporting('b', oldVersion, health(620, 6)),
    // Restarted: it counts from the beginning.
    reporting('c', oldVersion, health(30)),
    // Took the version by another way: no control any more.
    reporting('d', newVersion, health(700)),
  ];
  const samples = metricSamples(begun, 1, fleet(later));
  assert.deepEqual(samples.canaries, [{ health: health(70), baseline: health(900) }]);
  assert.deepEqual(
    samples.control.map(({ requests, errors }) => [requests, errors]),
    [
      [120, 1],
      [30, 0],
    ],
  );
});

test('metricSamples: only nodes of the wave that committed and serve the version', () => {
  const members = ['a', 'b', 'c'].map((id) =>
    member(id, 1, id === 'b' ? { outcome: 'FAILED' } : { outcome: 'COMMITTED' }),
  );
  const nodes = [reporting('a', newVersion, good), reporting('b', newVersion, good), reporting('c', oldVersion, good)];
  assert.equal(
    metricSamples(rollout([...members, member('d', 2, { outcome: 'COMMITTED' })]), 1, fleet(nodes)).canaries.length,
    1,
  );
});

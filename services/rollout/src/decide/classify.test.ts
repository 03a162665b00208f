import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleet, member, newVersion, node, nowMs, oldVersion, sampleSpec } from '../rollout-for-tests.js';
import { classifyMember, type NodeState, type WayBack, wayBack } from './classify.js';
import type { FleetView, NodeView } from './fleet-view.js';
import type { Member } from './rollout.js';

const late = nowMs - 10_001;
const away = (view: NodeView): NodeView => ({ ...view, online: false });
type Row = readonly [
  what: string,
  part: Partial<Member> | 'unassigned',
  view: NodeView | undefined,
  change: Partial<FleetView>,
  state: NodeState,
  waits: boolean,
];
const rows: readonly Row[] = [
  ['not assigned', 'unassigned', node('a', 'STEADY'), {}, 'PENDING', true],
  ['assigned, still on the generation before', {}, node('a', 'STEADY', 4n, oldVersion), {}, 'IN_FLIGHT', true],
  ['downloading', {}, node('a', 'DOWNLOADING'), {}, 'IN_FLIGHT', true],
  ['soaking', {}, node('a', 'SOAKING', 5n, newVersion), {}, 'IN_FLIGHT', true],
  ['rolling back', {}, node('a', 'ROLLING_BACK'), {}, 'IN_FLIGHT', true],
  ['steady on the new version', {}, node('a', 'STEADY'), {}, 'COMMITTED', false],
  ['steady on another version', {}, node('a', 'STEADY', 5n, oldVersion), {}, 'IN_FLIGHT', true],
  ['steady on the new version of an older generation', {}, node('a', 'STEADY', 4n), {}, 'IN_FLIGHT', true],
  ['failed', {}, node('a', 'FAILED'), {}, 'FAILED', false],
  ['failed for the generation before', {}, node('a', 'FAILED', 4n), {}, 'IN_FLIGHT', true],
  ['rolled back', {}, node('a', 'ROLLED_BACK'), {}, 'ROLLED_BACK', false],
  ['committed before, silent now', { outcome: 'COMMITTED' }, away(node('a', 'STEADY', 4n)), {}, 'COMMITTED', false],
  ['silent before its deadline', {}, away(node('a', 'SOAKING')), {}, 'OFFLINE', true],
  ['silent beyond its deadline', { heardMs: late }, away(node('a', 'SOAKING')), {}, 'TIMED_OUT', false],
  ['talking but not done beyond its deadline', { heardMs: late }, node('a', 'SOAKING'), {}, 'TIMED_OUT', false],
  ['timed out, then done', { heardMs: late, outcome: 'TIMED_OUT' }, node('a', 'STEADY'), {}, 'COMMITTED', false],
  ['timed out, then talking', { outcome: 'TIMED_OUT' }, node('a', 'SOAKING'), {}, 'TIMED_OUT', false],
  [
    'silent while nobody is heard',
    { heardMs: late },
    away(node('a', 'SOAKING')),
    { silenceCounts: false },
    'IN_FLIGHT',
    true,
  ],
  ['never heard since, within the grace', { heardMs: 0 }, undefined, {}, 'OFFLINE', true],
  ['never heard since, beyond it', { heardMs: 0, assignedMs: late }, undefined, {}, 'OFFLINE', false],
  [
    'the same while nobody is heard',
    { heardMs: 0, assignedMs: late },
    undefined,
    { silenceCounts: false },
    'OFFLINE',
    true,
  ],
  ['assigned and no longer of the fleet', {}, undefined, { isGone: () => true }, 'OFFLINE', false],
  ['not assigned and no longer of the fleet', 'unassigned', undefined, { isGone: () => true }, 'OFFLINE', false],
  ['committed, then left the fleet', { outcome: 'COMMITTED' }, undefined, { isGone: () => true }, 'COMMITTED', false],
  ['sent back', { revertGeneration: 6n, outcome: 'COMMITTED' }, node('a', 'STEADY'), {}, 'COMMITTED', true],
  ['back', { revertGeneration: 6n, outcome: 'COMMITTED', back: true }, node('a', 'STEADY'), {}, 'ROLLED_BACK', false],
  ['back after a failure', { revertGeneration: 6n, outcome: 'FAILED', back: true }, undefined, {}, 'FAILED', false],
];
for (const [what, part, view, change, state, waits] of rows) {
  test(`classify: ${what} is ${state}${waits ? ', waited for' : ''}`, () => {
    const verdict = classifyMember(member('a', 1, part), sampleSpec, fleet(view === undefined ? [] : [view], change));
    assert.deepEqual([verdict.state, verdict.waits], [state, waits]);
  });
}

test('classify keeps what a failed node said', () => {
  const verdict = classifyMember(member('a', 1), sampleSpec, fleet([node('a', 'FAILED')]));
  assert.deepEqual([verdict.reasonCode, verdict.message], ['TOO_SLOW', 'slow']);
});

const ways: readonly (readonly [string, Partial<Member>, NodeView | undefined, Partial<FleetView>, WayBack])[] = [
  ['steady on the version before', {}, node('a', 'STEADY', 6n, oldVersion), {}, 'back'],
  ['steady on it, but of an older generation', {}, node('a', 'STEADY', 5n, oldVersion), {}, 'under-way'],
  ['steady on the new version', {}, node('a', 'STEADY', 6n), {}, 'under-way'],
  ['failed on the way', {}, node('a', 'FAILED', 6n), {}, 'stuck'],
  ['known to be back', { back: true }, undefined, {}, 'back'],
  ['silent beyond the deadline', { heardMs: late }, away(node('a', 'SOAKING')), {}, 'unreached'],
  ['silent while nobody is heard', { heardMs: late }, undefined, { silenceCounts: false }, 'under-way'],
  ['never heard since, within the grace', { heardMs: 0 }, undefined, {}, 'under-way'],
  ['never heard since, beyond it', { heardMs: 0, assignedMs: late }, undefined, {}, 'unreached'],
];
for (const [what, part, view, change, way] of ways) {
  test(`wayBack: ${what} is ${way}`, () => {
    const sent = member('a', 1, { revertGeneration: 6n, ...part });
    assert.equal(wayBack(sent, sampleSpec, fleet(view === undefined ? [] : [view], change)), way);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditEvent, type ChainedEvent, chainEvent, firstBreak, noEventSha256 } from './audit-chain.js';

const event = (offset: bigint): AuditEvent => ({
  offset,
  timeMs: Number(offset),
  actor: 'controller',
  kind: 'WavePassed',
  rollout: 'r',
  nodeId: '',
  message: 'm',
  evidence: '{}',
});
const chain: ChainedEvent[] = [];
for (const offset of [1n, 2n, 3n, 4n]) chain.push(chainEvent(event(offset), chain.at(-1)?.sha256 ?? noEventSha256));

const [one, two, three, four] = chain;
assert.ok(one && two && three && four);

test('chainEvent: the digest covers the digest before and is the same for ever', () => {
  assert.equal(one.sha256, 'f672f968da9a4c8e910c51fd81990da13743a343efaafd90490c8ca54c905a96');
  assert.notEqual(chainEvent(event(1n), one.sha256).sha256, one.sha256);
});

test('firstBreak: none in a whole chain, nor in a part that follows what is known', () => {
  assert.equal(firstBreak(chain), undefined);
  assert.equal(firstBreak([]), undefined);
  assert.equal(firstBreak([three, four], two), undefined);
});

const broken: readonly (readonly [what: string, events: readonly ChainedEvent[], at: ChainedEvent])[] = [
  ['an event that was dropped', [one, three, four], three],
  ['the first event dropped', [two, three, four], two],
  ['two in another order', [one, three, two, four], three],
  ['an event twice', [one, two, two, three], two],
  [
    'an event altered with its own digest made anew',
    [one, chainEvent({ ...event(2n), actor: 'x' }, one.sha256), three],
    three,
  ],
];
for (const [what, events, at] of broken) {
  test(`firstBreak finds ${what}`, () => assert.equal(firstBreak(events), at));
}

for (const field of ['timeMs', 'actor', 'kind', 'rollout', 'nodeId', 'message', 'evidence'] as const) {
  test(`firstBreak finds an altered ${field}`, () => {
    const altered = { ...two, [field]: field === 'timeMs' ? 99 : 'altered' };
    assert.equal(firstBreak([one, altered, three, four]), altered);
  });
}

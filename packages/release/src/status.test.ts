import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusReport } from '@atoll/proto/atoll/v1/release';
import { generateKeyPair } from './keys.js';
import { sampleStatus } from './samples-for-tests.js';
import { isNewerStatus, openStatus, sealStatus } from './status.js';

const node = generateKeyPair();
const envelope = sealStatus(sampleStatus(), node.privateKey);

test('openStatus gives the sealed report; another key and another name are refused', () => {
  assert.deepEqual(openStatus(envelope, node.publicKey, 'node-1'), sampleStatus());
  assert.throws(() => openStatus(envelope, generateKeyPair().publicKey), { code: 'PERMISSION_DENIED' });
  assert.throws(() => openStatus(envelope, node.publicKey, 'node-2'), { code: 'PERMISSION_DENIED' });
});

const refused: readonly (readonly [fault: RegExp, change: Partial<StatusReport>])[] = [
  [/node id/, { nodeId: '' }],
  [/boot id/, { bootId: '' }],
  [/model and version/, { model: 'birds' }],
  [/model and version/, { version: 1n }],
  [/manifest digest/, { manifestSha256: 'x' }],
  [/when it was made/, { createdUnixMs: 0n }],
  [/reason code/, { reasonCode: 'too slow' }],
  [/message is over/, { message: 'x'.repeat(1025) }],
  [/17 alarms/, { alarms: Array.from({ length: 17 }, (_, index) => `A${index}`) }],
  [/alarm "on fire"/, { alarms: ['on fire'] }],
  [/33 labels/, { labels: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, 'v'])) }],
];
for (const [fault, change] of refused) {
  test(`sealStatus refuses ${Object.keys(change).join()}: ${fault.source}`, () => {
    assert.throws(() => sealStatus(sampleStatus(change), node.privateKey), {
      code: 'INVALID_ARGUMENT',
      message: fault,
    });
  });
}

const last = sampleStatus({ sequence: 5n, createdUnixMs: 5_000n });
const order: readonly (readonly [
  what: string,
  last: StatusReport | undefined,
  next: Partial<StatusReport>,
  newer: boolean,
])[] = [
  ['the first report', undefined, {}, true],
  ['a higher sequence', last, { sequence: 6n, createdUnixMs: 4_000n }, true],
  ['the same sequence', last, { sequence: 5n }, false],
  ['a lower sequence', last, { sequence: 4n, createdUnixMs: 9_000n }, false],
  ['another boot later', last, { bootId: 'boot-2', sequence: 1n, createdUnixMs: 6_000n }, true],
  ['another boot from before', last, { bootId: 'boot-0', sequence: 9n, createdUnixMs: 4_000n }, false],
  [
    'another boot whose clock went back, with a newer generation',
    last,
    { bootId: 'boot-2', createdUnixMs: 1n, observedGeneration: 1n },
    true,
  ],
];
for (const [what, before, next, newer] of order) {
  test(`isNewerStatus: ${what} is ${newer ? '' : 'not '}newer`, () => {
    assert.equal(isNewerStatus(before, sampleStatus(next)), newer);
  });
}

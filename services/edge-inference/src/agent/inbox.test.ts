import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AtollError } from '@atoll/base/error';
import { silentLogger } from '@atoll/base/log';
import type { DesiredState } from '@atoll/proto/atoll/v1/release';
import type { SeenState } from '@atoll/release/order';
import { createNodeClock } from './clock.js';
import { type Inbox, openInbox } from './inbox.js';

const base: DesiredState = {
  nodeId: 'n',
  generation: 1n,
  rollout: 'r',
  model: 'm',
  version: 2n,
  manifestSha256: 'a'.repeat(64),
  downgradeOk: false,
  expiresUnixMs: 9_000n,
  createdUnixMs: 1_000n,
  soak: undefined,
  attempt: 3,
  wave: 0,
  notBeforeUnixMs: 4_000n,
  rootVersion: 0n,
};

/** A door whose bytes are JSON, unsigned: signatures are the business of `open`. */
function door(lastSeen: SeenState | undefined, wallMs = 5_000) {
  const heard: string[] = [];
  const inbox: Inbox = openInbox({
    nodeId: 'n',
    open: (bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text === 'forged') throw new AtollError('PERMISSION_DENIED', 'cannot trust it');
      const [nodeId = '', generation = '', expires = '', payloadSha256 = ''] = text.split(' ');
      return {
        desired: { ...base, nodeId, generation: BigInt(generation), expiresUnixMs: BigInt(expires) },
        payloadSha256,
      };
    },
    lastSeen: () => lastSeen,
    clock: createNodeClock({ wallMs: () => wallMs, monotonicMs: () => 0 }, 0),
    log: silentLogger,
    onNewer: () => void heard.push('newer'),
    onAlarm: () => void heard.push('alarm'),
  });
  return { inbox, heard, deliver: (text: string) => inbox.deliver(Buffer.from(text)) };
}

describe('openInbox()', () => {
  const last = { generation: 5n, payloadSha256: 'five' };
  const cases: [string, string, string[], string[]][] = [
    ['a newer one', 'n 6 9000 six', ['newer'], []],
    ['the same again', 'n 5 9000 five', [], []],
    ['an older one', 'n 4 9000 four', [], []],
    ['another content for the same generation', 'n 5 9000 other', ['alarm'], ['EQUIVOCATION']],
    ['a newer one that is expired', 'n 6 4000 six', ['alarm'], ['STALE_METADATA']],
    ["another node's", 'other 6 9000 six', [], []],
    ['a forged one', 'forged', [], []],
  ];
  for (const [what, text, heard, alarms] of cases) {
    test(`${what}: ${[...heard, ...alarms].join(', ') || 'nothing'}`, () => {
      const one = door(last);
      one.deliver(text);
      assert.deepEqual([one.heard, one.inbox.alarms()], [heard, alarms]);
      assert.equal(
        one.inbox.take(() => undefined),
        heard.includes('newer'),
      );
    });
  }

  test('of several the newest waits; it stays when it could not be taken; alarms go with a newer state', () => {
    const { inbox, deliver } = door(last);
    deliver('n 5 9000 other');
    deliver('n 8 9000 eight');
    deliver('n 7 9000 seven');
    deliver('n 8 9000 other');
    assert.deepEqual(inbox.alarms(), ['EQUIVOCATION']);
    assert.throws(() => inbox.take(() => assert.fail('full')));
    inbox.take(({ assignment, signedMs }) => {
      const { generation, attempt, notBeforeMs, expiresMs } = assignment;
      assert.deepEqual([generation, attempt, notBeforeMs, expiresMs, signedMs], [8n, 3, 4_000, 9_000, 1_000]);
    });
    deliver('n 9 9000 nine');
    assert.deepEqual(inbox.alarms(), []);
  });
});
